import datetime as dt

import pytest

from common import clock
from loyalty.models import ScoreThreshold
from loyalty.selectors import score_explanations, score_policies, scores
from loyalty.selectors import score_windows as windows
from loyalty.selectors.score_explanations import Day, State
from loyalty.tests.ratings import a_member, a_policy, a_source, logged_in, settlement

pytestmark = pytest.mark.django_db

D = dt.date
NOBODY = State(False, False, False, 0, None)


def a_line(code="plus", value=4500, **more):
    return ScoreThreshold.objects.create(code=code, name=code, value=value, **more)


@pytest.mark.parametrize(
    ("value", "strict", "score", "met"),
    [
        (201, False, 200, False),
        (201, False, 201, True),
        (4500, True, 4500, False),
        (4500, True, 4501, True),
        (201, False, None, False),
    ],
)
def test_a_threshold_is_met_from_its_line_on_or_strictly_above(value, strict, score, met):
    """E45, S1-16."""
    assert ScoreThreshold(value=value, is_strict=strict).is_met_by(score) is met


def test_whether_a_threshold_is_met_goes_by_the_settled_score_of_the_time():
    a_policy(a_source("login", 100))
    a_line(value=200)
    alice = a_member()
    logged_in(alice, D(2026, 1, 5), D(2026, 2, 5), D(2026, 3, 1))
    settlement(D(2026, 2, 2))
    settlement(D(2026, 3, 2))

    def met(day):
        return scores.meets(alice.pk, "plus", clock.day_start(day))

    assert [met(D(2026, 2, 1)), met(D(2026, 3, 1)), met(D(2026, 3, 2))] == [False, False, True]
    assert [score.member_id for score in scores.meeting(ScoreThreshold.objects.get())] == [alice.pk]


def test_a_threshold_that_does_not_exist_is_an_error_and_not_a_no():
    with pytest.raises(ScoreThreshold.DoesNotExist):
        scores.meets(a_member().pk, "no-such-line", clock.day_start(D(2026, 3, 2)))


@pytest.mark.parametrize(
    ("day", "month"),
    [(D(2026, 3, 1), D(2026, 2, 1)), (D(2026, 3, 2), D(2026, 3, 1)), (D(2026, 1, 1), D(2025, 12, 1))],
)
def test_the_month_to_settle_is_the_last_whose_day_has_come(day, month):
    assert windows.month_to_settle(day, 2) == month


def test_januarys_window_is_the_calendar_year_before():
    """E27."""
    assert windows.settled(D(2019, 1, 1)) == (D(2018, 1, 1), D(2019, 1, 1))


def test_the_tightest_limit_is_named():
    rules = score_policies.load(a_policy(a_source("cash", 1, "consumption", cap_day=300, cap_month=350, cap_store=320)))
    (source,) = rules.sources
    days = [
        Day(D(2026, 2, 1), source.pk, "", "east", 500),
        Day(D(2026, 2, 2), source.pk, "", "east", 30),
        Day(D(2026, 1, 2), source.pk, "", "east", 30),
    ]

    found = score_explanations.explain(rules, windows.settled(D(2026, 3, 1)), days, NOBODY)

    (part,) = found.dimensions[0].parts
    assert [(month.month.month, month.counted, month.given, month.cut_by) for month in part.months] == [
        (1, 30, 30, ""),
        (2, 530, 320, "store_code"),
    ]


def test_nothing_is_suggested_that_would_not_help():
    rules = score_policies.load(
        a_policy(
            a_source("login", 10, cap_month=10),
            a_source("share", 7),
            a_source("phone", 20, "account"),
            a_source("birthday", 30, "account"),
            account=(100, 20),
        )
    )
    login = rules.sources[0]
    days = [Day(D(2026, 2, 1), login.pk, "", "", 10)]
    state = State(False, True, False, 0, None)

    found = score_explanations.ideas(rules, windows.provisional(D(2026, 3, 1)), days, state)

    assert [(idea.source.kind, idea.gain) for idea in found] == [("share", 7)]
