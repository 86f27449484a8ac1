"""Warnings before a tier is lost (domain.md S2-38)."""

from __future__ import annotations

import datetime as dt

import pytest

from common import clock
from common.models import Fact
from loyalty.models import Ladder
from loyalty.services import downgrades
from loyalty.tests.stage import NOON, a_growth_policy, a_ladder, line, order, send

pytestmark = pytest.mark.django_db


def grow(subject: str, whole: int) -> None:
    send("order.completed", subject, NOON, **order(f"{subject}-1", line(1, whole * 100)))


def warn(day: dt.date):
    at = clock.day_start(day)
    return downgrades.warn(at, at)


def warnings() -> list[tuple[str, dict]]:
    return list(Fact.objects.filter(topic="tier.will_downgrade").order_by("id").values_list("key", "payload"))


def test_who_will_fall_is_warned_once_with_what_is_missing():
    a_ladder()
    a_growth_policy()
    grow("alice", 2_500)
    grow("bob", 3_000)
    warn(dt.date(2027, 1, 29))
    assert warnings() == []
    for day in (30, 31):
        warn(dt.date(2027, 1, day))
    assert warnings() == [
        ("alice", {"tier": "silver", "on": "2027-03-01", "growth": 2_500, "deduction": 1_000, "missing": 500})
    ]


def test_a_missed_night_is_made_up_for():
    a_ladder()
    a_growth_policy()
    grow("alice", 2_500)
    warn(dt.date(2027, 2, 27))
    assert len(warnings()) == 1


def test_what_leaves_the_window_until_then_counts():
    a_ladder(decay=Ladder.Decay.WINDOW, window_months=6)
    a_growth_policy()
    grow("alice", 2_500)
    warn(dt.date(2027, 2, 10))
    assert warnings()[0][1] | {"growth": 0} == {
        "tier": "silver",
        "on": "2027-03-01",
        "growth": 0,
        "deduction": 2_500,
        "missing": 2_000,
    }


def test_a_ladder_that_does_not_warn_does_not():
    a_ladder(warn_days=0)
    assert warn(dt.date(2027, 2, 10)) is None
