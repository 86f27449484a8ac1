"""Buying points on both sites, and what each side sees of purses and settlements."""

import datetime as dt
import io

import pytest
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from common.models import AuditEntry, Staff
from config import roles
from config.tests import sample
from loyalty.tests.stage import STAFF
from merchants.models import PointPack, PointPurchase, Purse, Settlement, SettlementCell
from merchants.services import purchases, purses, settlements
from merchants.tests.admin.test_frame import a_person
from merchants.tests.purse_strings import a_purse

pytestmark = pytest.mark.django_db

NOW = {"actor": STAFF, "at": timezone.now()}


@pytest.fixture
def finance():
    from django.core.management import call_command

    call_command("sync_roles", verbosity=0)
    assert "merchants.approve_pointpurchase" in roles.ROLES["finance"]
    return sample.staff("fay", "finance")


@pytest.fixture
def operator(finance):
    return sample.staff("olaf", "operations")


@pytest.fixture
def owner():
    return a_person()


def purchase_of(owner, points=5_000):
    return purchases.draft(owner.merchant_role.merchant, points=points, **NOW)


def page(client, person, name, *args, query="", **post):
    client.force_login(person)
    address = reverse(name, args=args) + query
    return client.post(address, post) if post else client.get(address)


def test_a_merchant_buys_a_pack_after_seeing_what_it_costs(client, owner):
    PointPack.objects.create(code="big", name="Big", points=10_000, price=9_000, validity_days=365)
    shown = page(client, owner, "merchant:merchants_purse_buy").content.decode()
    assert "Big" in shown
    assert "10.00 CNY below their value" in shown
    asked = page(client, owner, "merchant:merchants_purse_buy", pack="big")
    assert "90.00 CNY" in asked.content.decode()
    assert not PointPurchase.objects.exists()
    seen = asked.context["seen"]
    page(client, owner, "merchant:merchants_purse_buy", pack="big", seen=seen, deed="submit")
    purchase = PointPurchase.objects.get()
    assert (purchase.status, purchase.points, purchase.merchant) == ("submitted", 10_000, owner.merchant_role.merchant)


def test_a_price_that_changed_meanwhile_is_shown_again_and_not_taken(client, owner):
    pack = PointPack.objects.create(code="big", name="Big", points=10_000, price=9_000)
    seen = page(client, owner, "merchant:merchants_purse_buy", pack="big").context["seen"]
    PointPack.objects.filter(pk=pack.pk).update(price=9_900)
    again = page(client, owner, "merchant:merchants_purse_buy", pack="big", seen=seen, deed="submit")
    assert "99.00 CNY" in again.content.decode()
    assert not PointPurchase.objects.exists()


def test_any_number_is_kept_as_a_draft_then_submitted(client, owner):
    seen = page(client, owner, "merchant:merchants_purse_buy", points="5000").context["seen"]
    page(client, owner, "merchant:merchants_purse_buy", points="5000", seen=seen, deed="draft")
    purchase = PointPurchase.objects.get()
    assert purchase.status == "draft"
    assert page(client, owner, "merchant:merchants_pointpurchase_submit", purchase.pk).status_code == 200
    page(client, owner, "merchant:merchants_pointpurchase_submit", purchase.pk, confirm="1")
    purchase.refresh_from_db()
    assert purchase.status == "submitted"


def test_too_few_points_are_refused_with_the_rule(client, owner):
    shown = page(client, owner, "merchant:merchants_purse_buy", points="5")
    assert "Buy between 1000 and" in shown.content.decode()
    assert not PointPurchase.objects.exists()


@pytest.mark.parametrize(("role", "may"), [("owner", True), ("finance", True), ("operator", False), ("viewer", False)])
def test_only_who_may_buy_buys(client, role, may):
    person = a_person("ann", role)
    shown = page(client, person, "merchant:merchants_purse_buy")
    assert (shown.status_code == 200) is may
    purse = page(client, person, "merchant:merchants_purse_changelist")
    assert purse.status_code == 200
    assert (reverse("merchant:merchants_purse_buy") in purse.content.decode()) is may
    purchase = purchase_of(person)
    page(client, person, "merchant:merchants_pointpurchase_submit", purchase.pk, confirm="1")
    purchase.refresh_from_db()
    assert (purchase.status == "submitted") is may


def test_finance_approves_with_a_bank_reference_and_the_merchant_sees_the_points(client, owner, finance):
    purchase = purchases.submit(purchase_of(owner), **NOW)
    asked = page(client, finance, "admin:merchants_pointpurchase_approve", purchase.pk)
    assert "50.00 CNY" in asked.content.decode()
    page(client, finance, "admin:merchants_pointpurchase_approve", purchase.pk, bank_reference="")
    assert purses.balance(purchase.merchant, timezone.now()) == 0
    page(client, finance, "admin:merchants_pointpurchase_approve", purchase.pk, bank_reference="B-1")
    page(client, finance, "admin:merchants_pointpurchase_approve", purchase.pk, bank_reference="B-1")
    assert purses.balance(purchase.merchant, timezone.now()) == 5_000
    assert AuditEntry.objects.get(action="merchants.purchases.approve").actor == finance
    shown = page(client, owner, "merchant:merchants_purse_changelist").content.decode()
    assert "5,000" in shown
    own = page(client, owner, "merchant:merchants_pointpurchase_change", purchase.pk).content.decode()
    assert "the platform&#x27;s finance" in own
    assert "fay" not in own


def test_operations_look_but_do_not_approve(client, owner, operator):
    purchase = purchases.submit(purchase_of(owner), **NOW)
    assert page(client, operator, "admin:merchants_pointpurchase_change", purchase.pk).status_code == 200
    assert page(client, operator, "admin:merchants_pointpurchase_approve", purchase.pk).status_code == 403
    assert purses.balance(purchase.merchant, timezone.now()) == 0


def test_finance_pays_back_what_was_not_given(client, owner, finance):
    purchase = purchases.submit(purchase_of(owner), **NOW)
    purchases.approve(purchase, bank_reference="B", **NOW)
    page(client, finance, "admin:merchants_pointpurchase_refund", purchase.pk, points="2000", bank_reference="R")
    purchase.refresh_from_db()
    assert (purchase.refunded_points, purchase.refunded_money) == (2_000, 2_000)


def test_every_page_opens_for_operators(client, owner, finance):
    purse = purses.of(owner.merchant_role.merchant)
    a_purse(1_000, "acme")
    found = settlements.compute(dt.date(2026, 1, 1), timezone.now())
    for name, *args in [
        ("purse_changelist",),
        ("purse_change", purse.pk),
        ("purse_statement", purse.pk),
        ("pointpurchase_changelist",),
        ("pointpack_changelist",),
        ("settlement_changelist",),
        ("settlement_change", found.pk),
        ("settlement_compute",),
        ("settlement_close", found.pk),
        ("settlement_export", found.pk),
    ]:
        assert page(client, finance, f"admin:merchants_{name}", *args).status_code == 200, name


def test_the_statement_leaves_as_a_file_with_opening_and_closing(client, owner):
    purchase = purchases.submit(purchase_of(owner), **NOW)
    purchases.approve(purchase, bank_reference="B", **NOW)
    csv = page(client, owner, "merchant:merchants_purse_statement", query="?export=csv").content.decode("utf-8-sig")
    assert csv.splitlines()[1] == ",Opening,,,,0"
    assert csv.splitlines()[-1] == ",Closing,,,,5000"
    body = page(client, owner, "merchant:merchants_purse_statement", query="?export=xlsx").content
    rows = list(load_workbook(io.BytesIO(body)).active.iter_rows(values_only=True))
    assert [row[3] for row in rows[2:-1]] == [5000]
    assert page(client, owner, "merchant:merchants_purse_statement", query="?month=soon").status_code == 200


def test_finance_computes_and_closes_a_month(client, owner, finance):
    page(client, finance, "admin:merchants_settlement_compute", month="2026-01")
    found = Settlement.objects.get()
    merchant = owner.merchant_role.merchant
    SettlementCell.objects.create(settlement=found, issuer=merchant, kind="redeemed", points=300, money=300)
    assert "3.00 CNY" in page(client, finance, "admin:merchants_settlement_change", found.pk).content.decode()
    page(client, finance, "admin:merchants_settlement_close", found.pk, confirm="1")
    found.refresh_from_db()
    assert (found.status, found.closed_by) == ("closed", finance)
    assert page(client, finance, "admin:merchants_settlement_compute", month="2026-01").status_code == 200
    own = page(client, owner, "merchant:merchants_purse_settlements").content.decode()
    assert "−3.00 CNY" in own


def test_an_open_month_is_nobody_elses_business_yet(client, owner):
    settlements.compute(dt.date(2026, 1, 1), timezone.now())
    assert (
        "No month has been settled yet" in page(client, owner, "merchant:merchants_purse_settlements").content.decode()
    )


def test_the_mark_is_set_by_the_merchant(client, owner):
    page(client, owner, "merchant:merchants_purse_mark", low_at="700")
    purse = Purse.objects.get(merchant=owner.merchant_role.merchant)
    assert (purse.low_at, purse.low_since is not None) == (700, True)
    assert (
        "Fewer than 700 points are left." in page(client, owner, "merchant:merchants_purse_changelist").content.decode()
    )


def test_closing_a_purse_is_for_finance_and_says_what_it_means(client, owner, finance, operator):
    purse = purses.of(owner.merchant_role.merchant)
    assert page(client, operator, "admin:merchants_purse_close", purse.pk).status_code == 403
    assert "This is not undone" in page(client, finance, "admin:merchants_purse_close", purse.pk).content.decode()
    page(client, finance, "admin:merchants_purse_close", purse.pk, reason="left")
    purse.account.refresh_from_db()
    assert purse.account.closed_at is not None
    assert Staff.objects.filter(username="fay").exists()


def test_lists_cost_the_same_for_many_rows(client, owner, finance, django_assert_max_num_queries):
    for number in range(20):
        purchase_of(owner, 1_000 + number)
    client.force_login(finance)
    with django_assert_max_num_queries(14):
        client.get(reverse("admin:merchants_pointpurchase_changelist"))
    client.force_login(owner)
    with django_assert_max_num_queries(14):
        client.get(reverse("merchant:merchants_pointpurchase_changelist"))
