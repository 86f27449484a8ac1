"""Merchants buy points (domain.md S1-44, F16): what they cost, who approves, and that they are credited exactly once."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from common.models import AuditEntry, Fact
from common.problems import InvalidInput
from loyalty.models import Entry, Lot
from loyalty.services import expiry, ledger
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON, STAFF, set_programme
from merchants.models import PointPack, PointPurchase
from merchants.selectors import tariffs
from merchants.services import pockets, purchases, purses
from merchants.services.purchases import PackNotSold, PointsGiven, PurchaseNotOpen, PurseClosed
from merchants.tests.purse_strings import a_merchant, a_purse, available

pytestmark = pytest.mark.django_db

WHO = {"actor": STAFF, "at": NOON}


def a_pack(points=10_000, price=9_500, **values):
    return PointPack.objects.create(code=f"pack-{points}", name=f"{points}", points=points, price=price, **values)


def submitted(points=10_000, merchant=None):
    purchase = purchases.draft(merchant or a_merchant(), points=points, **WHO)
    return purchases.submit(purchase, **WHO)


def credited(points=10_000, merchant=None):
    return purchases.approve(submitted(points, merchant), bank_reference="B-1", **WHO)


def tariff(**values):
    row = tariffs.current()
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


@pytest.mark.parametrize(
    ("points", "value", "permille", "fixed", "price", "fee"),
    [
        (10_000, (1, 1), 0, 0, 10_000, 0),
        (10_000, (1, 1), 50, 200, 10_000, 700),
        (1_001, (1, 1), 5, 0, 1_001, 6),  # 5.005 is rounded up
        (1_001, (10, 1), 0, 0, 101, 0),  # 10 points = 1 fen: 100.1 is rounded up
        (1_001, (10, 1), 5, 0, 101, 1),  # ⌈0.5005⌉: the fee is of the exact value, not of the rounded one
        (1_000, (3, 2), 1000, 0, 667, 667),
    ],
)
def test_points_cost_their_value_and_the_fee_each_rounded_up(points, value, permille, fixed, price, fee):
    set_programme(point_value_points=value[0], point_value_money=value[1])
    tariff(fee_permille=permille, fee_fixed=fixed)
    cost = purchases.quote(points=points)
    assert (cost.price, cost.fee, cost.total) == (price, fee, price + fee)


def test_a_pack_costs_its_price_all_in():
    tariff(fee_permille=100)
    cost = purchases.quote(pack=a_pack(validity_days=30))
    assert (cost.points, cost.total, cost.validity_days) == (10_000, 9_500, 30)


def test_what_cannot_be_bought_is_refused_with_the_rule():
    with pytest.raises(InvalidInput):
        purchases.quote()
    with pytest.raises(InvalidInput):
        purchases.quote(pack=a_pack(), points=5_000)
    with pytest.raises(InvalidInput, match="between 1000 and"):
        purchases.quote(points=999)
    with pytest.raises(PackNotSold):
        purchases.quote(pack=a_pack(5, 5, is_active=False))


def test_points_come_with_the_approval_of_the_payment_and_not_before():
    purchase = purchases.draft(a_merchant(), points=10_000, **WHO)
    purchases.submit(purchase, **WHO)
    assert purses.balance(purchase.merchant, NOON) == 0
    purchases.approve(purchase, bank_reference=" B-77 ", **WHO)
    assert purses.balance(purchase.merchant, NOON) == 10_000
    lot = Lot.objects.get()
    assert (lot.expires_at, lot.source, lot.funder_id) == (expiry.NEVER, "purchase", lot.account_id)
    assert list(purchase.steps.values_list("step", "note")) == [
        ("drafted", ""),
        ("submitted", ""),
        ("paid", "B-77"),
        ("credited", ""),
    ]
    assert set(Fact.objects.values_list("topic", flat=True)) == {"purchase.submitted", "purchase.credited"}
    assert AuditEntry.objects.filter(action="merchants.purchases.approve", reason="B-77").count() == 1
    assert_proven()


def test_a_pack_with_a_validity_expires_at_the_end_of_its_last_day():
    purchase = purchases.draft(a_merchant(), pack=a_pack(validity_days=30), **WHO)
    purchases.approve(purchases.submit(purchase, **WHO), bank_reference="B", **WHO)
    assert purses.balance(purchase.merchant, NOON + 30 * DAY) == 10_000
    assert purses.balance(purchase.merchant, NOON + 31 * DAY) == 0


def test_a_purchase_keeps_its_numbers_when_the_pack_changes():
    pack = a_pack()
    purchase = purchases.draft(a_merchant(), pack=pack, **WHO)
    PointPack.objects.update(points=1, price=1)
    purchases.approve(purchases.submit(purchase, **WHO), bank_reference="B", **WHO)
    assert purses.balance(purchase.merchant, NOON) == 10_000


def test_each_step_is_taken_once_and_in_order():
    purchase = purchases.draft(a_merchant(), points=10_000, **WHO)
    with pytest.raises(PurchaseNotOpen):
        purchases.approve(purchase, bank_reference="B", **WHO)
    purchases.submit(purchase, **WHO)
    with pytest.raises(PurchaseNotOpen):
        purchases.submit(purchase, **WHO)
    with pytest.raises(InvalidInput):
        purchases.approve(purchase, bank_reference="  ", **WHO)
    purchases.approve(purchase, bank_reference="B", **WHO)
    for verb in (purchases.submit, purchases.cancel):
        with pytest.raises(PurchaseNotOpen):
            verb(purchase, **WHO)
    with pytest.raises(PurchaseNotOpen):
        purchases.approve(purchase, bank_reference="B", **WHO)
    assert available(purses.of(purchase.merchant).account) == 10_000


def test_a_cancelled_purchase_is_never_credited():
    purchase = purchases.cancel(submitted(), reason="changed our mind", **WHO)
    with pytest.raises(PurchaseNotOpen):
        purchases.approve(purchase, bank_reference="B", **WHO)
    assert not Entry.objects.exists()


def test_the_database_knows_no_credit_without_payment():
    purchase = submitted()
    with pytest.raises(IntegrityError), transaction.atomic():
        PointPurchase.objects.filter(pk=purchase.pk).update(status="credited")


def test_a_closed_purse_is_not_filled():
    purchase = submitted()
    purses.close(purses.of(purchase.merchant), reason="left", **WHO)
    with pytest.raises(PurseClosed):
        purchases.approve(purchase, bank_reference="B", **WHO)
    with pytest.raises(PurseClosed):
        purchases.draft(purchase.merchant, points=10_000, **WHO)


def test_only_points_that_were_not_given_are_paid_back():
    tariff(fee_fixed=500)
    purchase = credited(10_000)
    purse = purses.of(purchase.merchant)
    pockets.open(purse, 4_000, reference="campaign:1", at=NOON)
    assert purchases.refundable(purchase) == 6_000
    with pytest.raises(PointsGiven):
        purchases.refund(purchase, 6_001, bank_reference="R-1", **WHO)
    purchases.refund(purchase, 6_000, bank_reference="R-1", **WHO)
    purchase.refresh_from_db()
    assert (purchase.refunded_points, purchase.refunded_money) == (6_000, 6_000)  # the fee of 500 stays
    assert available(purse.account) == 0
    assert Entry.objects.filter(kind="purchase").count() == 2
    assert_proven()


def test_refunds_in_parts_come_to_the_price_exactly():
    merchant = a_merchant()
    pack = a_pack(1_000, 999)
    purchase = purchases.draft(merchant, pack=pack, **WHO)
    purchases.approve(purchases.submit(purchase, **WHO), bank_reference="B", **WHO)
    money = []
    for points in (333, 333, 334):
        before = PointPurchase.objects.get().refunded_money
        purchases.refund(purchase, points, bank_reference="R", **WHO)
        money.append(PointPurchase.objects.get().refunded_money - before)
    assert (money, sum(money)) == ([332, 333, 334], 999)


def test_what_returned_from_a_pocket_can_be_paid_back():
    purchase = credited(10_000)
    purse = purses.of(purchase.merchant)
    pocket = pockets.open(purse, 10_000, slots=2, reference="campaign:1", at=NOON)
    pockets.close(purse, [account.pk for account in pocket], reference="campaign:1", at=NOON)
    assert purchases.refundable(purchase) == 10_000


def test_an_unpaid_purchase_is_not_paid_back():
    with pytest.raises(PurchaseNotOpen):
        purchases.refund(submitted(), 1, bank_reference="R", **WHO)


def test_a_crash_after_the_credit_leaves_nothing_half_done(monkeypatch):
    purchase = submitted()

    def crash(*_args, **_kwargs):
        raise RuntimeError("power cut")

    monkeypatch.setattr(purses, "watch", crash)
    with pytest.raises(RuntimeError):
        purchases.approve(purchase, bank_reference="B", **WHO)
    monkeypatch.undo()
    assert (PointPurchase.objects.get().status, Entry.objects.count()) == ("submitted", 0)
    purchases.approve(purchase, bank_reference="B", **WHO)
    assert available(purses.of(purchase.merchant).account) == 10_000


def test_packs_are_used_first_in_first_out_by_expiry():
    purse = a_purse(100, expires_at=NOON + 60 * DAY)
    credited(1_000, purse.merchant)
    a_purse(50, expires_at=NOON + 30 * DAY)
    with ledger.open_book([purse.account_id], NOON) as book:
        _seq, portions = book.take(purse.account_id, 160, kind="adjust", contra="adjusted", reference="x")
    assert [portion.points for portion in portions] == [50, 100, 10]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_8_approvals_at_once_credit_once():
    purchase = submitted()
    answers = []

    def run():
        try:
            answers.append(purchases.approve(purchase, bank_reference="B", **WHO))
        except Exception as error:
            answers.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(answer).__name__ for answer in answers) == ["PointPurchase"] + ["PurchaseNotOpen"] * 7
    assert available(purses.of(purchase.merchant).account) == 10_000
    assert_proven()
