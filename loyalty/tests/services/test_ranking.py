"""Tiers by rank (domain.md F4; E50, E51)."""

from __future__ import annotations

import datetime as dt

import pytest

from common import clock
from common.models import JobRun
from loyalty.models import Ladder, Standing, TierChange, TierCut
from loyalty.services import ranking
from loyalty.tests.stage import DAY, NOON, a_growth_policy, a_ladder, line, order, send, standing
from members.services import members

pytestmark = pytest.mark.django_db

RUNGS = (("base", 0, 0, None, False), ("gold", 0, 0, None, False), ("top", 0, 0, None, False))
APRIL = dt.date(2026, 4, 1)


def grow(subject: str, whole: int, at: dt.datetime = NOON) -> None:
    send("order.completed", subject, at, **order(f"{subject}-{at:%m%d%H%M}", line(1, whole * 100)))


def rank(day: dt.date = APRIL) -> JobRun | None:
    return ranking.rank(clock.day_start(day), clock.day_start(day))


def tiers() -> dict[str, str]:
    return dict(Standing.objects.values_list("member__external_id", "tier__code"))


def top(**sizes):
    a_ladder(RUNGS, line=Ladder.Line.TOP, decay=Ladder.Decay.NONE, sizes=sizes, hysteresis_percent=50)
    a_growth_policy()


def test_the_best_so_many_get_the_places():
    top(gold=3, top=1)
    for name, growth in (("a", 500), ("b", 400), ("c", 300), ("d", 200)):
        grow(name, growth)
    assert set(tiers().values()) == {"base"}
    rank()
    assert tiers() == {"a": "top", "b": "gold", "c": "gold", "d": "base"}
    assert dict(TierCut.objects.values_list("tier__code", "growth")) == {"top": 500_00, "gold": 300_00}


def test_equal_growth_goes_to_who_reached_it_first_and_never_beyond_the_places():
    top(gold=2, top=1)
    grow("late", 100, NOON + DAY)
    grow("early", 100)
    grow("later", 100, NOON + 2 * DAY)
    rank()
    assert tiers() == {"early": "top", "late": "gold", "later": "base"}


def test_with_hysteresis_one_falls_only_beyond_the_wider_line():
    top(gold=2, top=1)
    for name, growth in (("a", 500), ("b", 400), ("c", 300), ("d", 200)):
        grow(name, growth)
    rank()
    grow("c", 200, NOON + 40 * DAY)
    rank(dt.date(2026, 5, 1))
    assert tiers() == {"a": "top", "b": "gold", "c": "gold", "d": "base"}
    grow("d", 1_000, NOON + 70 * DAY)
    rank(dt.date(2026, 6, 1))
    assert tiers() == {"d": "top", "a": "gold", "c": "gold", "b": "base"}


def test_a_share_of_members_is_rounded_down():
    a_ladder(RUNGS, line=Ladder.Line.SHARE, decay=Ladder.Decay.NONE, sizes={"gold": 500, "top": 100})
    a_growth_policy()
    for number in range(15):
        grow(f"m-{number:02}", 1_000 - number)
    rank()
    found = list(tiers().values())
    assert (found.count("top"), found.count("gold"), found.count("base")) == (1, 6, 8)


def test_who_has_left_or_has_nothing_takes_no_place():
    top(gold=2, top=1)
    grow("gone", 900)
    grow("a", 500)
    send("member.logged_in", "idle")
    members.close("gone", NOON + DAY)
    rank()
    assert tiers() == {"gone": "base", "a": "top", "idle": "base"}


def test_who_lost_all_growth_falls():
    top(gold=2, top=1)
    grow("a", 500)
    rank()
    send("order.cancelled", "a", order="a-03010400")
    rank(dt.date(2026, 5, 1))
    assert standing("a").tier.code == "base"
    assert TierChange.objects.latest("id").reason == TierChange.Reason.RANKING


def test_a_month_is_ranked_once():
    top(gold=2, top=1)
    grow("a", 500)
    rank()
    grow("b", 900, NOON + 40 * DAY)
    rank(dt.date(2026, 4, 20))
    assert tiers()["b"] == "base"
    assert JobRun.objects.filter(job=ranking.JOB).count() == 1


def test_a_ladder_by_thresholds_is_not_ranked():
    a_ladder()
    assert rank() is None


def test_who_reached_it_nobody_knows_when_comes_last_among_equals():
    top(gold=1, top=0)
    grow("alice", 100)
    grow("bob", 100, NOON + DAY)
    Standing.objects.filter(member__external_id="alice").update(grown_at=None)
    rank()
    assert tiers() == {"alice": "base", "bob": "gold"}
