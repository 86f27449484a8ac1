import datetime as dt

import pytest

from loyalty.selectors import medals
from loyalty.services import medal_displays
from loyalty.services import medals as awards
from loyalty.tests import medal_case as case
from loyalty.tests.medal_case import NOON, TONIGHT

pytestmark = pytest.mark.django_db


def of(name: str) -> medals.Progress:
    """The member's progress in the only medal."""
    (found,) = medals.progress(case.member(name).pk)
    return found


def test_a_medal_that_is_switched_off_is_not_shown():
    reader = case.medal()
    case.buy("alice", 25_00)
    awards.award(TONIGHT, NOON)
    reader.is_active = False
    reader.save()

    assert medals.progress(case.member("alice").pk) == []


@pytest.mark.parametrize(
    ("cash", "held", "further", "missing", "percent"),
    [
        (0, None, 1, 10, 0),
        (4_00, None, 1, 6, 40),
        (10_00, 1, 2, 10, 50),
        (19_99, 1, 2, 1, 95),
        (20_00, 2, None, None, 100),
    ],
)
def test_progress_says_what_is_missing(cash, held, further, missing, percent):
    case.medal()
    case.member("alice")
    if cash:
        case.buy("alice", cash)
    awards.award(TONIGHT, NOON)

    found = of("alice")
    assert (found.level and found.level.number, found.next and found.next.number) == (held, further)
    assert (found.missing, found.percent) == (missing, percent)
    assert found.since == (NOON if held else None)


def test_who_wants_into_a_share_needs_more_than_the_last_one_who_is_in():
    reader = case.medal()
    case.shares(reader, 500)
    case.buy("alice", 30_00)
    case.buy("bob", 12_00)
    awards.award(TONIGHT, NOON)

    assert (of("alice").next, of("bob").missing) == (None, 19)


def test_before_the_first_award_the_line_of_a_share_is_not_known():
    case.shares(case.medal(), 500)
    case.member("alice")

    assert (of("alice").missing, of("alice").percent, of("alice").score) == (None, 0, 0)


def test_progress_costs_four_queries_however_many_medals(django_assert_num_queries):
    for code in ("reader", "player", "cook", "runner"):
        case.medal(code, code)
    alice = case.member("alice").pk
    with django_assert_num_queries(4):
        assert len(medals.progress(alice)) == 4


def test_others_see_the_medals_of_whoever_did_not_say_no():
    case.medal("reader")
    case.medal("player", "toys")
    case.buy("alice", 25_00)
    awards.award(TONIGHT, NOON)
    alice = case.member("alice")

    assert [row.medal.code for row in medals.shown(alice.pk)] == ["reader"]
    medal_displays.choose(alice, False, NOON)
    assert medals.shown(alice.pk) == []
    medal_displays.choose(alice, True, NOON + dt.timedelta(days=1))
    assert [row.medal.code for row in medals.shown(alice.pk)] == ["reader"]
