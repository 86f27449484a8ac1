"""Terms of plans follow a merge and go back (domain.md E58: PLUS terms concatenate)."""

import datetime as dt

import pytest

from common import clock
from members.models import Plan, Subscription
from members.services import plan_merges, plans

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
    own = Subscription.objects.get(member=alice, came_from=None)
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
