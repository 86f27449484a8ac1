"""The nightly count of the pyramid (domain.md S2-02)."""

from __future__ import annotations

import datetime as dt

import pytest

from common import clock
from common.models import JobRun
from loyalty.models import PyramidDay
from loyalty.selectors import pyramid as selector
from loyalty.services import pyramid
from loyalty.tests.stage import DAY, NOON, a_growth_policy, a_ladder, a_rule, line, order, send

pytestmark = pytest.mark.django_db

MIDNIGHT = clock.day_start(clock.local_date(NOON))


@pytest.fixture
def shop(db):
    """Alice and Bob are bronze, Charlie is silver; Alice bought twice and got one thing back."""
    a_ladder()
    a_growth_policy()
    a_rule("purchase", event_type="order.completed", formula="per_money", points=1)
    send("order.completed", "alice", NOON - 500 * DAY, **order("old", line(1, 50_000)))
    send("order.completed", "alice", NOON - 20 * DAY, **order("a-1", line(1, 30_000)))
    send(
        "order.refunded", "alice", NOON - 10 * DAY,
        order="a-1", refund="r-1", reason="defect", cash=10_000, lines=[{"line": "1", "cash": 10_000}],
    )  # fmt: skip
    send("member.logged_in", "bob", NOON - 3 * DAY, channel="app")
    send("order.completed", "bob", NOON - 400 * DAY, **order("b-1", line(1, 7_000)))
    send("order.completed", "charlie", NOON - 5 * DAY, **order("c-1", line(1, 250_000)))
    send("order.completed", "charlie", NOON, **order("today", line(1, 9_900)))


def counted() -> dict[str, tuple]:
    return {row.tier.code: (row.members, row.buyers, row.cash, row.points) for row in selector.counted()}


def test_spend_and_points_of_twelve_months_are_net_and_end_yesterday(shop):
    pyramid.count(MIDNIGHT, NOON)
    assert counted() == {"silver": (1, 1, 250_000, 2_500), "bronze": (2, 1, 20_000, 200)}


def test_counting_twice_or_again_on_the_same_day_counts_nobody_twice(shop):
    pyramid.count(MIDNIGHT, NOON)
    first = counted()
    pyramid.count(MIDNIGHT, NOON)
    assert counted() == first
    pyramid.count(NOON, NOON)
    assert counted() == first
    assert PyramidDay.objects.count() == 2


def test_a_count_that_was_killed_goes_on_where_it_was(shop, monkeypatch):
    pyramid.count(MIDNIGHT, NOON)
    whole = counted()
    PyramidDay.objects.all().delete()
    JobRun.objects.all().delete()
    monkeypatch.setattr(pyramid, "MEMBERS_PER_CHUNK", 1)
    work, calls = pyramid._count_span, []

    def dies(first: int, last: int, today: dt.date) -> dict[str, int]:
        calls.append(first)
        counts = work(first, last, today)
        if len(calls) == 2:
            raise RuntimeError("killed")
        return counts

    monkeypatch.setattr(pyramid, "_count_span", dies)
    with pytest.raises(RuntimeError):
        pyramid.count(MIDNIGHT, NOON)
    assert counted() != whole
    run = pyramid.count(MIDNIGHT, NOON)
    assert counted() == whole
    assert run.counts == {"members": 3}
    assert len(calls) == 4
