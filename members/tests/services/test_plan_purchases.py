import datetime as dt
import itertools
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from common.models import Fact
from common.problems import NotFound
from members.models import Subscription
from members.services import plan_purchases, plan_quotes
from members.services.plan_quotes import Buyer, NotEligible
from members.services.plan_refunds import Use
from members.tests.plus import BOB, DAY, NOON, a_member, buy, direct, plus, until

pytestmark = pytest.mark.django_db


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
    # It begins at midnight, so it lasts 365 days, and not the rest of a day besides.
    assert second.ends_at == until(2 * 365)


def test_buying_in_the_trial_ends_it_at_the_payment_and_there_is_one_trial_in_a_lifetime():
    alice, offer = a_member(), plus(trial_days=30)
    trial = plan_purchases.try_out(alice, offer, direct(), Buyer(), NOON)
    assert trial.subscription.ends_at == until(30)
    later = NOON + 3 * DAY
    bought = buy(alice, offer, later)
    trial.subscription.refresh_from_db()
    assert trial.subscription.ends_at == later == bought.subscription.starts_at
    with pytest.raises(plan_purchases.NoTrial):
        plan_purchases.try_out(alice, offer, direct(), Buyer(), NOON + 800 * DAY)


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
    assert second.subscription.ends_at == until(365, at)


def test_a_term_that_has_not_begun_is_not_used_however_old_the_purchase():
    alice, offer = a_member(), plus()
    buy(alice, offer, payment="1")
    second = buy(alice, offer, payment="2")
    back = plan_purchases.refund(second.uuid, Use(), reason="no more", actor=BOB, at=NOON + 100 * DAY)
    assert back.refund == 14_900
    assert back.subscription.ends_at == back.subscription.starts_at


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_payments_at_once_buy_two_terms_that_do_not_overlap():
    alice, offer = a_member(), plus(ahead_days=1500)
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


def test_what_was_shown_is_paid_or_nothing():
    purchase = buy(a_member(), plus(refunds="prorata"))
    with pytest.raises(plan_purchases.RefundChanged) as refused:
        plan_purchases.refund(purchase.uuid, Use(), reason="", actor=BOB, at=NOON + DAY, shown=14_900)
    assert refused.value.extra == {"refund": 14_859}
    back = plan_purchases.refund(purchase.uuid, Use(), reason="", actor=BOB, at=NOON + DAY, shown=14_859)
    assert back.refund == 14_859


def test_nothing_is_paid_back_for_a_term_that_is_over():
    purchase = buy(a_member(), plus(refunds="benefit"))
    with pytest.raises(plan_purchases.NothingToRefund):
        plan_purchases.refund(purchase.uuid, Use(), reason="", actor=BOB, at=purchase.subscription.ends_at)


def test_one_payment_buys_one_term_whoever_bought_it():
    alice, charlie, offer = a_member(), a_member("charlie"), plus()
    buy(alice, offer, payment="pay-1")
    for member in (alice, charlie):
        with pytest.raises(plan_purchases.PaymentUsed):
            buy(member, offer, payment="pay-1")
    assert Subscription.objects.count() == 1


def test_two_quotes_taken_at_once_do_not_buy_what_one_may_not():
    alice, offer = a_member(), plus(most_a_year=1)
    first, second = (plan_quotes.quote(alice, offer, direct(), Buyer(), NOON) for _ in range(2))
    waiting = plan_purchases.ask(alice, first.uuid, NOON)
    with pytest.raises(NotEligible) as refused:
        plan_purchases.ask(alice, second.uuid, NOON)
    assert refused.value.extra["reasons"][0]["code"] == "limit_reached"
    assert plan_purchases.ask(alice, first.uuid, NOON) == waiting
    # What nobody has paid counts no more.
    late = NOON + plan_quotes.PAY_WITHIN
    assert plan_quotes.Limits(alice, late).against(offer) == []


def test_terms_that_wait_for_their_payment_count_as_far_ahead():
    alice, offer = a_member(), plus(ahead_days=800)
    quotes = [plan_quotes.quote(alice, offer, direct(), Buyer(), NOON) for _ in range(3)]
    for quote in quotes[:2]:
        plan_purchases.ask(alice, quote.uuid, NOON)
    with pytest.raises(NotEligible) as refused:
        plan_purchases.ask(alice, quotes[2].uuid, NOON)
    assert refused.value.extra["reasons"][0]["code"] == "too_far_ahead"


def test_who_may_not_buy_a_plan_may_not_try_it():
    alice, offer = a_member(), plus(trial_days=30, least_credit=30)
    with pytest.raises(NotEligible):
        plan_purchases.try_out(alice, offer, direct(), Buyer(credit=29), NOON)
    assert plan_purchases.try_out(alice, offer, direct(), Buyer(credit=30), NOON).status == "paid"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_payments_for_one_purchase_at_once_buy_one_term():
    alice, offer = a_member(), plus()
    quote = plan_quotes.quote(alice, offer, direct(), Buyer(), NOON)
    purchase = plan_purchases.ask(alice, quote.uuid, NOON)
    together = Barrier(2)

    def pay(number: int) -> str:
        together.wait()
        try:
            return plan_purchases.pay(purchase.uuid, f"pay-{number}", NOON).payment
        except plan_purchases.NotAwaited:
            return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(pay, range(2)))
    assert answers.count("refused") == Subscription.objects.count() == 1
