"""Renewal by itself: only who agreed, only after notice, only who may still buy (domain.md E56, E57, L7)."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from common.models import Fact
from common.problems import Problem
from members.models import AutoRenewal, PlanOffer, Subscription
from members.services import plan_purchases, plan_renewals, plans
from members.services.plan_quotes import Buyer, NotEligible
from members.services.plan_refunds import Use
from members.tests.plus import BOB, DAY, NOON, a_member, buy, direct, plus, until

pytestmark = pytest.mark.django_db


def renew(member, payment, at, offer="plus-year", **scores):
    return plan_renewals.renew(member, offer, direct(), payment, Buyer(**scores), at)


def reasons(refused) -> list[str]:
    return [reason["code"] for reason in refused.value.extra["reasons"]]


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
    with pytest.raises(NotEligible) as refused:
        renew(alice, "pay-2", at)
    assert reasons(refused) == ["no_notice"]
    plan_renewals.give_notice(at, at)
    renewed = renew(alice, "pay-2", at)
    assert renewed.subscription.starts_at == first.subscription.ends_at
    assert renew(alice, "pay-2", at) == renewed
    assert plan_renewals.stop(alice, at) == 1
    with pytest.raises(plan_renewals.NotAgreed):
        renew(alice, "pay-3", at)


def test_paying_back_ends_the_renewal():
    alice, offer = a_member(), plus()
    purchase = buy(alice, offer)
    plan_renewals.agree(alice, offer, NOON)
    plan_purchases.refund(purchase.uuid, Use(), reason="", actor=BOB, at=NOON)
    assert AutoRenewal.objects.get().ended_at == NOON


def noticed(at, **offer):
    """Alice has a year, agreed, and was told; a day before it ends."""
    alice, offer = a_member(), plus(**offer)
    first = buy(alice, offer, at, credit=90)
    plan_renewals.agree(alice, offer, at)
    day = first.subscription.ends_at - DAY
    plan_renewals.give_notice(day, day)
    return alice, first, day


def test_each_renewal_needs_a_notice_of_its_own():
    alice, _first, at = noticed(NOON)
    second = renew(alice, "pay-2", at)
    with pytest.raises(NotEligible) as refused:
        renew(alice, "pay-3", at)
    assert reasons(refused) == ["no_notice"]
    later = second.subscription.ends_at - DAY
    plan_renewals.give_notice(later, later)
    assert Fact.objects.filter(topic="plan.renewal_due").count() == 2
    assert renew(alice, "pay-3", later).subscription.starts_at == second.subscription.ends_at


def test_who_has_fallen_below_what_the_offer_asks_keeps_the_term_and_does_not_renew():
    alice, first, at = noticed(NOON, least_credit=60)
    with pytest.raises(NotEligible) as refused:
        renew(alice, "pay-2", at, credit=59)
    assert reasons(refused) == ["credit_too_low"]
    first.subscription.refresh_from_db()
    assert first.subscription.ends_at == until(365)
    assert renew(alice, "pay-2", at, credit=60).status == "paid"


def test_a_term_that_is_over_is_not_renewed_and_neither_is_what_is_no_longer_sold():
    alice, first, at = noticed(NOON)
    with pytest.raises(NotEligible) as refused:
        renew(alice, "pay-2", first.subscription.ends_at)
    assert reasons(refused) == ["term_over"]
    PlanOffer.objects.update(status=PlanOffer.Status.RETIRED)
    with pytest.raises(NotEligible) as refused:
        renew(alice, "pay-2", at)
    assert reasons(refused) == ["offer_not_on_sale"]


def test_a_renewal_waits_for_the_end_of_the_trial_that_it_follows():
    alice, offer = a_member(), plus(trial_days=30)
    trial = plan_purchases.try_out(alice, offer, direct(), Buyer(), NOON).subscription
    plan_renewals.agree(alice, offer, NOON)
    at = trial.ends_at - DAY
    plan_renewals.give_notice(at, at)
    assert renew(alice, "pay-2", at).subscription.starts_at == trial.ends_at


def test_a_renewal_is_not_paid_with_what_paid_for_something_else():
    alice, _first, at = noticed(NOON)
    with pytest.raises(plan_purchases.PaymentUsed):
        renew(alice, "pay-1", at)
    assert Subscription.objects.count() == 1


def test_who_agreed_is_told_again_when_the_end_moves_forward():
    alice, offer = a_member(), plus()
    _first, second, third = (buy(alice, offer, NOON, payment=str(number)) for number in range(3))
    plan_renewals.agree(alice, offer, NOON)
    end = third.subscription.ends_at
    plan_renewals.give_notice(end - DAY, end - DAY)
    plans.end(second.subscription, NOON)
    third.subscription.refresh_from_db()
    moved = third.subscription.ends_at
    assert moved == end - 365 * DAY
    plan_renewals.give_notice(moved - DAY, moved - DAY)
    told = Fact.objects.filter(topic="plan.renewal_due").order_by("pk")
    assert [fact.payload["ends_at"] for fact in told] == [end.isoformat(), moved.isoformat()]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_refund_and_a_renewal_at_once_leave_terms_that_follow_each_other_or_none():
    alice, first, at = noticed(NOON, refunds="prorata")
    together = Barrier(2)

    def run(deed) -> str:
        together.wait()
        try:
            deed()
            return "done"
        except Problem as problem:
            return problem.code
        finally:
            connection.close()

    deeds = [
        lambda: renew(alice, "pay-2", at),
        lambda: plan_purchases.refund(first.uuid, Use(), reason="", actor=BOB, at=at),
    ]
    with ThreadPoolExecutor(2) as pool:
        renewed, refunded = pool.map(run, deeds)
    assert refunded == "done"
    first.subscription.refresh_from_db()
    assert first.subscription.ends_at == at
    assert not AutoRenewal.objects.filter(ended_at=None).exists()
    if renewed == "done":
        second = Subscription.objects.latest("pk")
        assert (second.starts_at, second.ends_at) == (at, plans.end_of(at, 365))
    else:
        assert renewed == "renewal_not_agreed"
        assert Subscription.objects.count() == 1
