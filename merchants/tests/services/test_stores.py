"""Codes that nobody has are counted and adopted, never lost."""

from __future__ import annotations

import pytest

from common.models import AuditEntry, Delivery
from common.problems import InvalidInput
from loyalty.tests.stage import STAFF
from merchants.models import Brand, Store, UnknownStore
from merchants.selectors.stores import unknown
from merchants.services import stores
from merchants.tests.shops import DAY, NOON, a_card, a_club, a_merchant, a_store, buy, card_of, hear

pytestmark = pytest.mark.django_db


def test_orders_count_the_codes_that_no_store_bears():
    a_store("acme-1")
    buy(("acme-1", 100), ("ghost", 200), ("ghost", 300), order="o-1")
    buy(("ghost", 400), order="o-2", at=NOON + DAY)
    row = unknown().get()
    assert (row.code, row.lines, row.cash) == ("ghost", 3, 900)
    assert (row.first_seen_at, row.last_seen_at) == (NOON, NOON + DAY)


def test_an_order_that_is_told_again_counts_once():
    buy(("ghost", 400), order="o-1")
    Delivery.objects.update(status="pending", attempts=0)
    hear()
    row = unknown().get()
    assert (row.lines, row.cash) == (1, 400)


def test_a_late_order_moves_the_first_sight_and_not_the_last():
    buy(("ghost", 400), order="o-1", at=NOON)
    buy(("ghost", 400), order="o-2", at=NOON - DAY)
    row = UnknownStore.objects.get()
    assert (row.first_seen_at, row.last_seen_at) == (NOON - DAY, NOON)


def test_from_its_adoption_on_the_orders_of_a_store_count():
    club = a_club("acme-1", "acme-2")
    a_card(club=club)
    buy(("ghost", 400), order="o-1")
    ghost = stores.adopt("ghost", a_merchant(), "Ghost", actor=STAFF, at=NOON)
    club.club_stores.create(store=ghost, scope=club.scope)
    buy(("ghost", 700), order="o-2", at=NOON + DAY)
    assert not UnknownStore.objects.exists()
    assert card_of().spent == 700
    assert AuditEntry.objects.filter(action="merchants.stores.adopt", object_key="ghost").exists()


def test_a_code_is_adopted_once():
    stores.adopt("ghost", a_merchant(), "Ghost", actor=STAFF, at=NOON)
    with pytest.raises(stores.StoreExists):
        stores.adopt("ghost", a_merchant("other"), "Mine", actor=STAFF, at=NOON)
    assert Store.objects.get(code="ghost").merchant.code == "acme"


def test_a_store_is_not_adopted_into_the_brand_of_another_merchant():
    brand = Brand.objects.create(code="theirs", name="Theirs", merchant=a_merchant("other"))
    with pytest.raises(InvalidInput):
        stores.adopt("ghost", a_merchant(), "Ghost", brand=brand, actor=STAFF, at=NOON)
    assert not Store.objects.exists()
