import datetime as dt

import pytest

from loyalty.selectors import medal_insights
from loyalty.services import medals
from loyalty.tests import medal_case as case
from loyalty.tests.medal_case import DAY, NOON, TONIGHT

pytestmark = pytest.mark.django_db

MARCH = dt.date(2026, 3, 1)


@pytest.fixture
def reader():
    """Alice holds level 2, Bob and Charlie level 1, Dora only a score."""
    reader = case.medal()
    reader.levels.filter(number=2).update(benefit_cost=5_00)
    case.buy_lines("alice", [("books", 40_00), ("toys", 9_00)])
    case.buy("alice", 20_00)
    case.buy("bob", 12_00)
    case.buy_lines("charlie", [("books", 11_00), ("food", 70_00)])
    case.buy("dora", 5_00)
    medals.award(TONIGHT, NOON)
    return reader


def test_each_level_is_held_against_the_base(reader, django_assert_num_queries):
    with django_assert_num_queries(2):
        reports = medal_insights.by_level(reader)
    base = medal_insights.base(reports)

    assert [(r.level and r.level.number, r.members, r.money, r.orders) for r in reports] == [
        (2, 1, 60_00, 2),
        (1, 2, 23_00, 2),
        (None, 1, 5_00, 1),
    ]
    assert (base.members, base.money, base.money_each) == (4, 88_00, 22_00)
    assert [report.times(base) for report in reports] == [272, 52, 22], "⌊100 × 60 / 22⌋ …"
    assert [(report.cost, report.profit) for report in reports] == [(5_00, 55_00), (0, 23_00), (0, 5_00)]


def test_a_medal_without_members_has_reports_of_nothing():
    reports = medal_insights.by_level(case.medal())
    base = medal_insights.base(reports)
    assert [(r.members, r.money_each, r.times(base)) for r in reports] == [(0, 0, 0)] * 3


def test_the_insight_names_products_of_the_medal_and_what_else_its_holders_buy(reader):
    case.buy("alice", 500_00, category="cameras", at=TONIGHT + DAY)  # after the months that are counted
    case.give_back(case.buy("alice", 300_00, category="audio"), 300_00)

    assert medal_insights.top_products(reader, None, MARCH) == [("books-1", 3, 83_00)]
    assert medal_insights.other_categories(reader, None, MARCH) == [("food", 1, 70_00), ("toys", 1, 9_00)]
    assert medal_insights.other_categories(reader, case.level(reader, 2), MARCH) == [("toys", 1, 9_00)]


def test_levels_that_are_no_pyramid_are_named(reader):
    assert medal_insights.faults(medal_insights.by_level(reader)) == []
    case.buy("bob", 30_00, at=dt.datetime(2026, 3, 5, tzinfo=dt.UTC))
    medals.award(dt.datetime(2026, 3, 31, 16, 0, tzinfo=dt.UTC), NOON)
    assert medal_insights.faults(medal_insights.by_level(reader)) == [(case.level(reader, 2), case.level(reader, 1))]


def test_movement_counts_who_rose_and_who_fell(reader):
    assert medal_insights.counted_up_to(reader) == MARCH
    assert medal_insights.movement(reader, MARCH) == (3, 0)
    april = dt.datetime(2026, 3, 31, 16, 0, tzinfo=dt.UTC)
    case.buy("dora", 5_00, at=april - DAY)
    reader.levels.filter(number=2).update(score=100)
    medals.award(april, NOON + 31 * DAY)
    assert medal_insights.movement(reader, dt.date(2026, 4, 1)) == (1, 1)
