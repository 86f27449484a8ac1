"""Codes for plans: made in bulk, released, redeemed once, voided."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from common.models import Fact
from common.problems import InvalidInput, Problem
from members.models import PlanOffer, Subscription, VoucherBatch
from members.services import plan_purchases, vouchers
from members.services.plan_quotes import Buyer
from members.services.plan_refunds import Use
from members.tests.plus import BOB, DAY, NOON, a_batch, a_member, direct, plus, staff

pytestmark = pytest.mark.django_db


def test_a_code_buys_one_term_once_and_its_refund_goes_to_the_channel():
    alice, charlie, offer = a_member(), a_member("charlie"), plus()
    batch = a_batch(offer)
    batch.channel.kind = "bank"
    batch.channel.save()
    code = batch.vouchers.first().code
    purchase = plan_purchases.redeem(alice, f" {code.lower()} ", Buyer(), NOON)
    assert (purchase.price, purchase.kind) == (12_000, "voucher")
    with pytest.raises(plan_purchases.UnknownVoucher):
        plan_purchases.redeem(charlie, code, Buyer(), NOON)
    plan_purchases.refund(purchase.uuid, Use(), reason="", actor=BOB, at=NOON)
    assert Fact.objects.get(topic="plan.refunded").payload["to"] == "channel"
    with pytest.raises(plan_purchases.UnknownVoucher):
        plan_purchases.redeem(alice, code, Buyer(), NOON)


def test_a_code_counts_until_its_last_instant_and_not_when_void():
    alice, offer = a_member(), plus()
    batch = a_batch(offer, expires_at=NOON + DAY)
    first, second, _third = batch.vouchers.all()
    with pytest.raises(plan_purchases.UnknownVoucher):
        plan_purchases.redeem(alice, first.code, Buyer(), NOON + DAY)
    assert vouchers.void(batch, reason="contract ended", actor=BOB, at=NOON) == 3
    with pytest.raises(plan_purchases.UnknownVoucher):
        plan_purchases.redeem(alice, second.code, Buyer(), NOON)


def test_a_batch_is_released_once_by_a_second_person():
    batch = VoucherBatch.objects.create(
        channel=direct(), offer=plus(), name="Acme", size=50, price=1, expires_at=NOON + DAY,
        created_by=staff("olivia").staff,
    )  # fmt: skip
    with pytest.raises(Problem) as refused:
        vouchers.release(batch, staff("olivia"), NOON)
    assert refused.value.code == "second_person_needed"
    assert not batch.vouchers.exists()
    vouchers.release(batch, staff("felix"), NOON)
    assert batch.vouchers.values("code").distinct().count() == 50
    with pytest.raises(vouchers.BatchNotADraft):
        vouchers.release(batch, staff("felix"), NOON)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_one_code_typed_by_many_at_once_is_redeemed_once():
    offer = plus()
    code = a_batch(offer, size=1).vouchers.get().code
    people = [a_member(f"member-{n}") for n in range(8)]
    together = Barrier(8)

    def redeem(member) -> bool:
        together.wait()
        try:
            plan_purchases.redeem(member, code, Buyer(), NOON)
            return True
        except plan_purchases.UnknownVoucher:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(redeem, people))
    assert sum(won) == Subscription.objects.count() == 1


def test_codes_are_not_released_for_a_draft_nor_when_they_would_be_over():
    offer = plus()
    batch = VoucherBatch.objects.create(channel=direct(), offer=offer, name="A", size=1, price=1, expires_at=NOON)
    with pytest.raises(InvalidInput):
        vouchers.release(batch, staff("felix"), NOON)
    PlanOffer.objects.update(status=PlanOffer.Status.DRAFT)
    with pytest.raises(vouchers.OfferADraft):
        vouchers.release(batch, staff("felix"), NOON)
    assert not batch.vouchers.exists()


def test_a_code_of_an_offer_that_is_no_longer_sold_is_honoured():
    offer = plus()
    code = a_batch(offer).vouchers.first().code
    PlanOffer.objects.update(status=PlanOffer.Status.RETIRED)
    assert plan_purchases.redeem(a_member(), code, Buyer(), NOON).status == "paid"
