"""Terms of plans follow a merge and go back (domain.md E58: PLUS terms concatenate)."""

import datetime as dt

import pytest

from common import clock
from members.models import AutoRenewal, Plan, PlanPurchase, Subscription
from members.selectors import leaving, plan_revenue
from members.services import plan_merges, plan_purchases, plan_refunds, plans
from members.services.plan_refunds import Use
from members.tests.plus import BOB, FEE, NOON, buy
from members.tests.plus import plus as a_plus

pytestmark = pytest.mark.django_db
AT = dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def plus():
    return Plan.objects.create(code="plus", name="PLUS")


def last_day(member, plan, at=AT):
    until = plans.runs_until(member, plan, at)
    return until and clock.local_date(until - dt.timedelta(seconds=1))


def test_the_sources_days_follow_the_targets(alice, bob, plus):
    plans.extend(alice, plus, 30, AT)
    plans.extend(bob, plus, 10, AT)
    assert plan_merges.merge(bob, alice, AT) == 1
    # Until 31 March, then ten days from the 1st of April.
    assert last_day(alice, plus) == dt.date(2026, 4, 10)
    assert last_day(bob, plus) is None


def test_a_target_without_a_plan_has_the_sources_term_to_the_same_day(alice, bob, plus):
    plans.extend(bob, plus, 10, AT - 4 * DAY)
    before = last_day(bob, plus)
    plan_merges.merge(bob, alice, AT)
    assert last_day(alice, plus) == before


def test_merging_twice_is_merging_once(alice, bob, plus):
    plans.extend(bob, plus, 10, AT)
    plan_merges.merge(bob, alice, AT)
    assert plan_merges.merge(bob, alice, AT) == 0


def test_parting_brings_back_what_is_left_and_leaves_the_targets_own(alice, bob, plus):
    plans.extend(alice, plus, 2, AT)
    plans.extend(bob, plus, 10, AT)
    plan_merges.merge(bob, alice, AT)
    own = Subscription.objects.get(member=alice, origin=None)
    at = AT + 6 * DAY
    assert plan_merges.unmerge(bob, alice, at) == 1
    assert last_day(alice, plus, at) is None
    assert last_day(bob, plus, at) == dt.date(2026, 3, 13)
    own.refresh_from_db()
    assert clock.local_date(own.ends_at - dt.timedelta(seconds=1)) == dt.date(2026, 3, 3)


def test_several_terms_of_the_source_all_follow(alice, bob, plus):
    plans.extend(bob, plus, 10, AT)
    plans.extend(bob, plus, 5, AT)
    assert plan_merges.merge(bob, alice, AT) == 2
    assert Subscription.objects.filter(member=bob, ends_at__gt=AT).count() == 0
    days = [term.days_left(AT) for term in Subscription.objects.filter(member=alice)]
    assert sorted(days) == [5, 10]


@pytest.fixture
def bought(alice):
    """A year of PLUS for 149.00, paid back by the day."""
    return buy(alice, a_plus(refunds="prorata"))


def handed_over(purchase, *way):
    """The purchase after its term went from member to member, each at an instant."""
    for (source, target), at in way:
        plan_merges.merge(source, target, at)
    return PlanPurchase.objects.select_related("offer", "subscription__origin").get(pk=purchase.pk)


def test_a_refund_counts_the_days_that_ran_under_every_name_and_none_that_waited(alice, bob, charlie, bought):
    own = plans.extend(charlie, bought.offer.plan, 30, NOON + 140 * DAY)
    way = [((alice, bob), NOON + 100 * DAY), ((bob, charlie), NOON + 150 * DAY)]
    purchase = handed_over(bought, *way)
    assert purchase.subscription.member == charlie
    assert purchase.subscription.starts_at == own.ends_at
    waits, runs = own.ends_at - DAY, own.ends_at + 20 * DAY
    assert plan_refunds.due(purchase, Use(), waits) == FEE * (365 - 150) // 365
    assert plan_refunds.due(purchase, Use(), runs) == FEE * (365 - 170) // 365


def test_a_merge_earns_no_revenue_and_takes_none_back(alice, bob, bought):
    day = (NOON + 150 * DAY).date()
    before = plan_revenue.of(bought, day), plan_revenue.of_plan(bought.offer.plan, day)
    purchase = handed_over(bought, ((alice, bob), NOON + 100 * DAY))
    assert (plan_revenue.of(purchase, day), plan_revenue.of_plan(bought.offer.plan, day)) == before


def test_who_leaves_after_a_merge_waives_the_share_of_the_days_that_are_left(alice, bob, bought):
    at = NOON + 100 * DAY
    handed_over(bought, ((alice, bob), at))
    (waived,) = [one for one in leaving.of(bob, at).waived if one.code == "plan"]
    assert (waived.amount, waived.value) == (265, FEE * 265 // 365)


def test_a_refund_ends_the_term_and_the_renewal_of_who_remains(alice, bob, bought):
    purchase = handed_over(bought, ((alice, bob), NOON + DAY))
    renewal = AutoRenewal.objects.create(member=bob, offer=bought.offer, given_at=NOON + DAY)
    plan_purchases.refund(purchase.uuid, Use(), reason="", actor=BOB, at=NOON + 2 * DAY)
    renewal.refresh_from_db()
    assert (plans.runs_until(bob, bought.offer.plan, NOON + 2 * DAY), renewal.ended_at) == (None, NOON + 2 * DAY)
