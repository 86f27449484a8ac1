import datetime as dt
import itertools
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from common import clock
from common.models import Fact
from common.problems import NotFound, Problem
from members.models import AutoRenewal, PlanPurchase, Subscription, VoucherBatch
from members.services import plan_purchases, plan_quotes, plan_renewals, vouchers
from members.services.plan_quotes import Buyer
from members.services.plan_refunds import Use
from members.tests.plus import BOB, DAY, NOON, a_member, buy, direct, plus, staff

pytestmark = pytest.mark.django_db


def until(days: int, start: dt.datetime = NOON) -> dt.datetime:
    return clock.day_end(clock.local_date(start) + days * DAY)


def a_batch(offer, *, size=3, expires_at=NOON + 30 * DAY, price=12_000):
    batch = VoucherBatch.objects.create(
        channel=direct(), offer=offer, name="Acme", size=size, price=price, expires_at=expires_at,
        created_by=staff("olivia").staff,
    )  # fmt: skip
    return vouchers.release(batch, staff("felix"), NOON)


def test_a_purchase_waits_for_its_payment_and_then_runs():
    alice, offer = a_member(), plus()
    quote = plan_quotes.quote(alice, offer, direct(), Buyer(), NOON)
    purchase = plan_purchases.ask(alice, quote.uuid, NOON)
    assert purchase.status == "awaited"
    assert not Subscription.objects.exists()
    purchase = plan_purchases.pay(purchase.uuid, "pay-1", NOON)
    assert (purchase.subscription.starts_at, purchase.subscription.ends_at) == (NOON, until(365))
    assert Fact.objects.get(topic="plan.bought").payload["price"] == 14_900


def test_a_payment_told_twice_buys_once_and_an_unpaid_purchase_lapses():
    alice, offer = a_member(), plus()
    first = buy(alice, offer)
    assert plan_purchases.pay(first.uuid, "pay-1", NOON) == first
    with pytest.raises(plan_purchases.NotAwaited):
        plan_purchases.pay(first.uuid, "pay-2", NOON)
    quote = plan_quotes.quote(alice, offer, direct(), Buyer(), NOON)
    waiting = plan_purchases.ask(alice, quote.uuid, NOON)
    late = NOON + plan_purchases.PAY_WITHIN
    with pytest.raises(plan_purchases.NotAwaited):
        plan_purchases.pay(waiting.uuid, "pay-3", late)
    assert plan_purchases.lapse(late) == 1
    assert Subscription.objects.count() == 1


def test_a_quote_is_nobody_elses():
    alice, charlie, offer = a_member(), a_member("charlie"), plus()
    quote = plan_quotes.quote(alice, offer, direct(), Buyer(), NOON)
    with pytest.raises(NotFound):
        plan_purchases.ask(charlie, quote.uuid, NOON)


def test_a_renewal_before_the_end_extends_from_the_old_end():
    alice, offer = a_member(), plus()
    first = buy(alice, offer, payment="1").subscription
    second = buy(alice, offer, NOON + 300 * DAY, payment="2").subscription
    assert second.starts_at == first.ends_at
    assert second.ends_at == until(365, first.ends_at)


def test_buying_in_the_trial_ends_it_at_the_payment_and_there_is_one_trial_in_a_lifetime():
    alice, offer = a_member(), plus(trial_days=30)
    trial = plan_purchases.try_out(alice, offer, direct(), NOON)
    assert trial.subscription.ends_at == until(30)
    later = NOON + 3 * DAY
    bought = buy(alice, offer, later)
    trial.subscription.refresh_from_db()
    assert trial.subscription.ends_at == later == bought.subscription.starts_at
    with pytest.raises(plan_purchases.NoTrial):
        plan_purchases.try_out(alice, offer, direct(), NOON + 800 * DAY)


def test_an_unused_year_is_paid_back_in_full_within_seven_times_24_hours():
    alice, offer = a_member(), plus()
    purchase = buy(alice, offer)
    at = NOON + 7 * DAY - dt.timedelta(seconds=1)
    back = plan_purchases.refund(purchase.uuid, Use(), reason="changed her mind", actor=BOB, at=at)
    assert (back.refund, back.status, back.subscription.ends_at) == (14_900, "refunded", at)
    with pytest.raises(plan_purchases.NotPaid):
        plan_purchases.refund(purchase.uuid, Use(), reason="again", actor=BOB, at=at)
    assert Fact.objects.get(topic="plan.refunded").payload["to"] == "member"


@pytest.mark.parametrize(("at", "use"), [(NOON + 7 * DAY, Use()), (NOON, Use(used=True))])
def test_a_used_or_old_year_is_not_paid_back_and_runs_on(at, use):
    purchase = buy(a_member(), plus())
    with pytest.raises(plan_purchases.NothingToRefund):
        plan_purchases.refund(purchase.uuid, use, reason="late", actor=BOB, at=at)
    purchase.subscription.refresh_from_db()
    assert purchase.subscription.ends_at == until(365)


def test_terms_after_a_refunded_one_move_forward():
    alice, offer = a_member(), plus()
    first, second = buy(alice, offer, payment="1"), buy(alice, offer, payment="2")
    at = NOON + DAY
    plan_purchases.refund(first.uuid, Use(), reason="one is enough", actor=BOB, at=at)
    second.subscription.refresh_from_db()
    assert second.subscription.starts_at == at
    assert second.subscription.ends_at - at == until(365, until(365)) - until(365)


def test_a_term_that_has_not_begun_is_not_used_however_old_the_purchase():
    alice, offer = a_member(), plus()
    buy(alice, offer, payment="1")
    second = buy(alice, offer, payment="2")
    back = plan_purchases.refund(second.uuid, Use(), reason="no more", actor=BOB, at=NOON + 100 * DAY)
    assert back.refund == 14_900
    assert back.subscription.ends_at == back.subscription.starts_at


def test_a_claimed_partners_right_is_deducted_at_its_contract_price():
    offer = plus(refunds="prorata", partner="video-year", partner_cost=6_000)
    purchase = buy(a_member(), offer)
    PlanPurchase.objects.filter(pk=purchase.pk).update(partner_claimed_at=NOON)
    back = plan_purchases.refund(purchase.uuid, Use(), reason="", actor=BOB, at=NOON + 3 * DAY)
    assert back.refund == 14_777 - 6_000


def test_nobody_gets_more_back_than_was_shown():
    purchase = buy(a_member(), plus(refunds="prorata"))
    back = plan_purchases.refund(purchase.uuid, Use(), reason="", actor=BOB, at=NOON + DAY, most=10_000)
    assert back.refund == 10_000


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


def test_renewal_is_noticed_days_before_once_and_only_to_who_agreed():
    alice, bob, offer = a_member(), a_member("bob"), plus()
    buy(alice, offer, payment="1")
    buy(bob, offer, payment="2")
    plan_renewals.agree(alice, offer, NOON)
    end = until(365)
    plan_renewals.give_notice(end - 6 * DAY, NOON)
    assert not Fact.objects.filter(topic="plan.renewal_due").exists()
    # The night of the fifth day was missed; the next ones catch up, once.
    plan_renewals.give_notice(end - 4 * DAY, NOON)
    plan_renewals.give_notice(end - 3 * DAY, NOON)
    told = Fact.objects.get(topic="plan.renewal_due")
    assert (told.key, told.payload["ends_at"]) == ("alice", end.isoformat())


def test_a_plan_renews_only_after_notice_and_never_when_stopped():
    alice, offer = a_member(), plus()
    first = buy(alice, offer)
    plan_renewals.agree(alice, offer, NOON)
    at = first.subscription.ends_at - DAY
    with pytest.raises(plan_renewals.CannotRenew):
        plan_renewals.renew(alice, direct(), "pay-2", at)
    plan_renewals.give_notice(at, at)
    renewed = plan_renewals.renew(alice, direct(), "pay-2", at)
    assert renewed.subscription.starts_at == first.subscription.ends_at
    assert plan_renewals.renew(alice, direct(), "pay-2", at) == renewed
    assert plan_renewals.stop(alice, at) == 1
    with pytest.raises(plan_renewals.CannotRenew):
        plan_renewals.renew(alice, direct(), "pay-3", at)


def test_paying_back_ends_the_renewal():
    alice, offer = a_member(), plus()
    purchase = buy(alice, offer)
    plan_renewals.agree(alice, offer, NOON)
    plan_purchases.refund(purchase.uuid, Use(), reason="", actor=BOB, at=NOON)
    assert AutoRenewal.objects.get().ended_at == NOON


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_payments_at_once_buy_two_terms_that_do_not_overlap():
    alice, offer = a_member(), plus()
    asked = [
        plan_purchases.ask(alice, plan_quotes.quote(alice, offer, direct(), Buyer(), NOON).uuid, NOON) for _ in range(4)
    ]
    together = Barrier(4)

    def pay(number: int) -> None:
        together.wait()
        try:
            plan_purchases.pay(asked[number].uuid, f"pay-{number}", NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(pay, range(4)))
    terms = list(Subscription.objects.order_by("starts_at"))
    assert len(terms) == 4
    assert all(before.ends_at == after.starts_at for before, after in itertools.pairwise(terms))


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
