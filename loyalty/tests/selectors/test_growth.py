"""One member's growth over time and by criterion (domain.md S2-05)."""

from __future__ import annotations

import datetime as dt

import pytest

from loyalty.selectors import growth
from loyalty.tests.stage import DAY, NOON, a_growth_policy, a_ladder, line, order, send, standing

pytestmark = pytest.mark.django_db

TODAY = dt.date(2026, 3, 1)


@pytest.fixture
def alice(db) -> int:
    a_ladder()
    a_growth_policy(days_needed=28)
    send("order.completed", "alice", NOON - 900 * DAY, **order("o-0", line(1, 10_000)))
    send("order.completed", "alice", NOON - 60 * DAY, **order("o-1", line(1, 30_000)))
    send("member.logged_in", "alice", NOON - DAY, channel="app")
    return standing("alice").pk


def test_a_month_without_a_change_keeps_what_was_there(alice):
    told = growth.by_month(alice, TODAY)
    assert len(told) == growth.MONTHS
    assert told[0] == (dt.date(2024, 4, 1), 100_00)
    assert told[-4:] == [
        (dt.date(2025, 12, 1), 400_00),
        (dt.date(2026, 1, 1), 400_00),
        (dt.date(2026, 2, 1), 405_00),
        (dt.date(2026, 3, 1), 405_00),
    ]


def test_growth_is_told_by_what_it_says_of_the_member(alice):
    assert growth.by_criterion(alice) == {"consumption": 400_00, "loyalty": 5_00}


def test_somebody_to_whom_nothing_happened_has_no_growth(db):
    assert growth.by_criterion(1) == {}
    assert {value for _month, value in growth.by_month(1, TODAY)} == {0}
