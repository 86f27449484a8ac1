"""Settlement between merchants: who issued pays whom it was used at, and the month nets to zero."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from loyalty.tests.stage import DAY, NOON
from merchants.models import Merchant, Store
from rewards.models import Benefit
from rewards.selectors import benefit_settlements
from rewards.services import benefits
from rewards.tests import perks

MARCH, APRIL = dt.date(2026, 3, 1), dt.date(2026, 4, 1)


def merchant(code):
    found = Merchant.objects.create(code=code, name=code.title())
    Store.objects.create(code=f"{code}-1", name=found.name, merchant=found)
    return found


def given_by(issuer, code, price):
    found = perks.benefit(code, settlement_price=price)
    Benefit.objects.filter(pk=found.pk).update(issuer=issuer)
    perks.grant(found)
    return found


def told(month):
    found = benefit_settlements.of(month)
    name = lambda party: party.code if party else "platform"  # noqa: E731
    cells = {(name(cell.issuer), name(cell.user)): (cell.uses, cell.amount) for cell in found.cells}
    return cells, {name(party): amount for party, amount in found.nets}


@pytest.mark.django_db
def test_who_issued_pays_where_it_was_used_and_nobody_pays_himself():
    acme, _shine = merchant("acme"), merchant("shine")
    given_by(acme, "wash", 5_00)
    given_by(None, "coffee", 2_00)
    alice = perks.member()
    for number, (code, store) in enumerate(
        [
            ("wash", "shine-1"),
            ("wash", "shine-1"),
            ("wash", "acme-1"),
            ("wash", ""),
            ("coffee", "acme-1"),
            ("coffee", ""),
        ]
    ):
        benefits.use(alice, code, NOON, key=f"k-{number}", store=store)
    cells, nets = told(MARCH)
    assert cells == {("acme", "shine"): (2, 10_00), ("acme", "platform"): (1, 5_00), ("platform", "acme"): (1, 2_00)}
    assert nets == {"platform": 3_00, "acme": -13_00, "shine": 10_00}


@pytest.mark.django_db
def test_what_is_given_back_later_counts_in_its_own_month_and_at_its_own_price():
    acme, _shine = merchant("acme"), merchant("shine")
    wash = given_by(acme, "wash", 5_00)
    alice = perks.member()
    row = benefits.use(alice, "wash", NOON, key="k", store="shine-1")
    Benefit.objects.filter(pk=wash.pk).update(settlement_price=9_00)
    benefits.give_back(alice, "wash", row.uuid, NOON + 31 * DAY)
    assert told(MARCH) == ({("acme", "shine"): (1, 5_00)}, {"acme": -5_00, "shine": 5_00})
    assert told(APRIL) == ({("acme", "shine"): (-1, -5_00)}, {"acme": 5_00, "shine": -5_00})


class NetsToZero(TestCase):
    @settings(max_examples=20)
    @given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from(["a-1", "b-1", ""]), st.booleans())))
    def test_every_month_nets_to_zero(self, deeds):
        parties = {"a": merchant("a"), "b": merchant("b"), None: None}
        for number, party in enumerate(parties):
            given_by(parties[party], f"by-{party}", 3_00 + number)
        alice = perks.member()
        for number, (issuer, store, back) in enumerate(deeds):
            row = benefits.use(alice, f"by-{issuer}", NOON, key=f"k-{number}", store=store)
            if back:
                benefits.give_back(alice, f"by-{issuer}", row.uuid, NOON + (number % 2) * 31 * DAY)
        for month in (MARCH, APRIL):
            assert sum(amount for _party, amount in benefit_settlements.of(month).nets) == 0
