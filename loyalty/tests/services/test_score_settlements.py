import datetime as dt

import pytest

from common import clock
from common.models import Fact, JobRun
from loyalty.models import Score, ScoreRestatement, ScoreSnapshot, ScoreThreshold
from loyalty.services import score_settlements
from loyalty.tests.ratings import a_member, a_policy, a_source, logged_in, night, score, settlement
from members.models import CreditScore, Member

pytestmark = pytest.mark.django_db

D = dt.date


def told(topic):
    return [(fact.key, fact.payload) for fact in Fact.objects.filter(topic=topic).order_by("id")]


def test_february_2019_is_settled_from_february_to_january():
    """C5: 2018-02-01 … 2019-01-31."""
    a_policy(a_source("login", 1))
    logged_in(a_member(), D(2018, 1, 31), D(2018, 2, 1), D(2019, 1, 31), D(2019, 2, 1))

    settlement(D(2019, 2, 2))

    assert (score().settled, score().settled_month, score().settled_activity) == (2, D(2019, 2, 1), 2)


def test_a_purchase_on_the_first_is_in_the_daily_score_and_not_in_the_settled_one():
    """E28."""
    a_policy(a_source("login", 1))
    logged_in(a_member(), D(2026, 2, 28), D(2026, 3, 1))

    settlement(D(2026, 3, 2))

    assert (score().value, score().settled) == (2, 1)


def test_nothing_is_settled_before_the_day():
    a_policy(a_source("login", 1))
    logged_in(a_member(), D(2026, 1, 5), D(2026, 2, 5))
    settlement(D(2026, 3, 1))
    assert (score().settled_month, score().settled) == (D(2026, 2, 1), 1)

    settlement(D(2026, 3, 2))

    assert (score().settled_month, score().settled) == (D(2026, 3, 1), 2)


def test_a_settlement_that_was_missed_is_made_good_once():
    """E47."""
    a_policy(a_source("login", 1))
    logged_in(a_member(), D(2026, 2, 5))

    for day in (9, 10, 11):
        settlement(D(2026, 3, day))

    assert ScoreSnapshot.objects.count() == 1
    run = JobRun.objects.get(job="settle-scores")
    assert (run.as_of, run.counts) == (clock.day_start(D(2026, 3, 2)), {"members": 1, "changed": 1, "crossed": 0})


def test_a_settlement_waits_for_the_count_of_its_day():
    a_policy(a_source("login", 1))
    logged_in(a_member(), D(2026, 2, 5))
    night(D(2026, 3, 1))

    score_settlements.settle(clock.day_start(D(2026, 3, 2)), clock.day_start(D(2026, 3, 2)))

    assert score().settled_month == D(2026, 2, 1)
    assert score_settlements.settle(clock.day_start(D(2014, 1, 1)), clock.day_start(D(2014, 1, 1))) is None


def test_credit_counts_as_it_stood_at_the_settlement():
    a_policy(a_source("credit", 1, "credit"))
    alice = a_member()
    CreditScore.objects.create(member=alice, score=90, at=clock.day_start(D(2026, 3, 2)))
    CreditScore.objects.create(member=alice, score=50, at=clock.day_start(D(2026, 3, 4)))

    settlement(D(2026, 3, 5))

    assert (score().settled, score().value) == (90, 50)


def test_late_news_do_not_change_what_is_settled_but_are_written_down_and_count_next_time():
    """E29."""
    a_policy(a_source("login", 1), a_source("phone", 10, "account"))
    alice = a_member()
    logged_in(alice, D(2026, 2, 5))
    settlement(D(2026, 3, 2))
    Member.objects.filter(pk=alice.pk).update(phone_verified=True)

    logged_in(alice, D(2026, 2, 6))
    settlement(D(2026, 3, 3))
    logged_in(alice, D(2026, 2, 7), D(2026, 3, 3))
    settlement(D(2026, 3, 4))
    logged_in(alice, D(2026, 3, 4))
    settlement(D(2026, 3, 5))

    assert score().settled == ScoreSnapshot.objects.get().value == 1
    news = ScoreRestatement.objects.order_by("id").values_list("month", "settled", "restated")
    assert list(news) == [(D(2026, 3, 1), 1, 2), (D(2026, 3, 1), 1, 3)], "the phone was verified after the settlement"
    settlement(D(2026, 4, 2))
    assert score().settled == 10 + 5


def test_facts_tell_what_changed_and_which_lines_were_crossed():
    a_policy(a_source("login", 100))
    ScoreThreshold.objects.create(code="reach", name="Reach", value=200)
    ScoreThreshold.objects.create(code="exceed", name="Exceed", value=200, is_strict=True)
    logged_in(a_member(), D(2025, 3, 5), D(2026, 1, 5), D(2026, 2, 5))
    logged_in(a_member("bob"), D(2026, 1, 5))

    settlement(D(2026, 2, 2))
    settlement(D(2026, 3, 2))
    settlement(D(2026, 4, 2))

    month = [f"2026-0{n}-01" for n in (2, 3, 4)]
    assert told("score.settled") == [
        ("alice", {"month": month[0], "before": None, "after": 200}),
        ("bob", {"month": month[0], "before": None, "after": 100}),
        ("alice", {"month": month[1], "before": 200, "after": 300}),
        ("alice", {"month": month[2], "before": 300, "after": 200}),
    ]
    assert told("score.threshold_crossed") == [
        ("alice", {"threshold": "reach", "reached": True, "score": 200}),
        ("alice", {"threshold": "exceed", "reached": True, "score": 300}),
        ("alice", {"threshold": "exceed", "reached": False, "score": 200}),
    ]


def test_who_joins_after_a_settlement_waits_for_the_next():
    a_policy(a_source("login", 1))
    a_member()
    settlement(D(2026, 3, 2))
    a_member("bob")

    settlement(D(2026, 3, 3))
    assert (score().settled, score("bob").settled) == (0, None)

    settlement(D(2026, 4, 2))
    assert score("bob").settled == 0


def test_members_who_left_are_not_settled():
    a_policy(a_source("login", 1))
    a_member()
    night(D(2026, 3, 1))
    Member.objects.update(status=Member.Status.CLOSED)

    settlement(D(2026, 3, 2))

    assert Score.objects.get().settled is None
