"""A channel sells codes one by one: each once, each reference once, its own alone (domain.md S1-24)."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from common.problems import Problem
from members.models import Voucher
from members.services import plan_purchases, voucher_sales, vouchers
from members.services.plan_quotes import Buyer
from members.tests.plus import BOB, DAY, NOON, a_batch, a_channel, a_member, plus

pytestmark = pytest.mark.django_db


def sell(channel, reference, at=NOON, **asked):
    asked = asked or {"offer": "plus-year"}
    return voucher_sales.sell(channel, reference, at, **asked)[0]


def test_a_code_of_the_api_is_good_only_once_it_was_sold():
    bank, alice = a_channel(), a_member()
    code = a_batch(plus(), channel=bank, delivery="api").vouchers.first().code
    with pytest.raises(plan_purchases.UnknownVoucher):
        plan_purchases.redeem(alice, code, Buyer(), NOON)
    assert sell(bank, "A-1", code=code.lower()).code == code
    purchase = plan_purchases.redeem(alice, code, Buyer(), NOON)
    assert (purchase.channel, purchase.price) == (bank, 12_000)


def test_a_reference_sells_once_and_stands_for_what_it_sold():
    bank, offer = a_channel(), plus()
    batch = a_batch(offer, channel=bank, delivery="api")
    first, is_new = voucher_sales.sell(bank, "A-1", NOON, offer="plus-year")
    assert is_new
    assert voucher_sales.sell(bank, "A-1", NOON + DAY, offer="plus-year") == (first, False)
    other = batch.vouchers.exclude(pk=first.pk).first()
    with pytest.raises(voucher_sales.ReferenceUsed):
        sell(bank, "A-1", code=other.code)
    assert Voucher.objects.exclude(sold_at=None).count() == 1


def test_codes_in_files_and_those_of_others_are_not_sold():
    bank, airline, offer = a_channel(), a_channel("airline", kind="airline"), plus()
    filed = a_batch(offer, channel=bank)
    foreign = a_batch(offer, channel=airline, delivery="api")
    with pytest.raises(voucher_sales.NoCodeLeft):
        sell(bank, "A-1")
    for batch in (filed, foreign):
        with pytest.raises(voucher_sales.CodeNotForSale):
            sell(bank, "A-1", code=batch.vouchers.first().code)


def test_a_sold_code_a_void_one_and_one_that_is_over_are_not_sold_again():
    bank, offer = a_channel(), plus()
    batch = a_batch(offer, channel=bank, delivery="api", size=1)
    sold = sell(bank, "A-1")
    with pytest.raises(voucher_sales.CodeNotForSale):
        sell(bank, "A-2", code=sold.code)
    assert voucher_sales.void(sold, NOON)
    assert voucher_sales.void(sold, NOON)
    for asked in ({"code": sold.code}, {"offer": "plus-year"}):
        with pytest.raises(Problem):
            sell(bank, "A-2", **asked)
    Voucher.objects.update(void_at=None, sold_at=None, seller=None, reference="")
    with pytest.raises(voucher_sales.NoCodeLeft):
        sell(bank, "A-3", at=batch.expires_at)


def test_a_closed_channel_sells_no_more_and_still_hears_what_it_sold():
    bank = a_channel()
    a_batch(plus(), channel=bank, delivery="api")
    first = sell(bank, "A-1")
    bank.is_active = False
    bank.save()
    with pytest.raises(voucher_sales.ChannelClosed):
        sell(bank, "A-2")
    assert sell(bank, "A-1") == first


def test_what_was_sold_is_honoured_when_the_rest_of_the_batch_is_void():
    bank, alice = a_channel(), a_member()
    batch = a_batch(plus(), channel=bank, delivery="api")
    sold = sell(bank, "A-1")
    assert vouchers.void(batch, reason="contract ended", actor=BOB, at=NOON) == 2
    with pytest.raises(voucher_sales.NoCodeLeft):
        sell(bank, "A-2")
    assert plan_purchases.redeem(alice, sold.code, Buyer(), NOON).status == "paid"


def test_what_was_redeemed_is_not_void():
    bank = a_channel()
    a_batch(plus(), channel=bank, delivery="api")
    sold = sell(bank, "A-1")
    plan_purchases.redeem(a_member(), sold.code, Buyer(), NOON)
    assert not voucher_sales.void(sold, NOON)
    sold.refresh_from_db()
    assert sold.void_at is None


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("references", [["A-1"] * 8, [f"A-{n}" for n in range(8)]])
def test_sales_at_once_give_each_code_once_and_each_reference_one(references):
    bank = a_channel()
    a_batch(plus(), channel=bank, delivery="api", size=5)
    together = Barrier(8)

    def run(reference: str) -> str:
        together.wait()
        try:
            return sell(bank, reference).code
        except voucher_sales.NoCodeLeft:
            return ""
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        codes = [code for code in pool.map(run, references) if code]
    expected = 1 if len(set(references)) == 1 else 5
    assert len(set(codes)) == expected == Voucher.objects.exclude(sold_at=None).count()
    if expected > 1:
        assert len(codes) == 5


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_code_that_is_cancelled_and_redeemed_at_once_is_one_of_both():
    bank, alice = a_channel(), a_member()
    a_batch(plus(), channel=bank, delivery="api")
    together = Barrier(2)
    sold = sell(bank, "A-1")

    def run(deed) -> bool:
        together.wait()
        try:
            return bool(deed())
        except plan_purchases.UnknownVoucher:
            return False
        finally:
            connection.close()

    deeds = [
        lambda: voucher_sales.void(sold, NOON),
        lambda: plan_purchases.redeem(alice, sold.code, Buyer(), NOON),
    ]
    with ThreadPoolExecutor(2) as pool:
        cancelled, redeemed = pool.map(run, deeds)
    assert cancelled != redeemed
    sold.refresh_from_db()
    assert (sold.void_at is None) == redeemed
