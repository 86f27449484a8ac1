"""A forecast says what really comes, and saves nothing (domain.md S2-14, S2-36; issue 3)."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest
from django.db import connection

from common import clock
from loyalty.models import GrowthEntry, Ladder, Standing, Tier, TierChange
from loyalty.services import forecasts, overrides, ranking, tiers
from loyalty.tests.stage import JD, STAFF, a_growth_policy, a_ladder, line, order, send, standing
from members.models import Member

pytestmark = pytest.mark.django_db

# A year of history, then a year that is foretold and really lived.
TODAY = dt.date(2027, 3, 10)
MIDNIGHT = clock.day_start(TODAY)

# JD's ladder with shorter times, so that much happens in a year: tier, threshold, deduction, months, only with an order.
QUICK = (
    ("registered", 0, 0, None, False),
    ("bronze", 0, 0, None, True),
    ("silver", 2_000, 1_000, 5, False),
    ("gold", 6_000, 4_000, 4, False),
    ("diamond", 12_000, 9_000, 3, False),
)

# Members by what they buy on the last day of some months of every year, in whole growth.
HABITS = {
    "amy": {3: 13_000},
    "ben": {4: 6_500, 10: 7_000},
    "cat": {5: 2_500},
    "dan": dict.fromkeys(range(1, 13), 900),
    "eve": {6: 2_100, 12: 900},
    "fay": {11: 150},
    "gus": {7: 12_500, 8: 100},
    "hal": {1: 6_100, 9: 3_000},
    "ida": {2: 2_000, 5: 2_000, 8: 2_000, 11: 2_000},
    "joe": {12: 30_000},
}


def live(first: dt.date, end: dt.date) -> None:
    """Live through the days from `first` until `end`: the nights, and what members do by their habits."""
    for number in range((end - first).days + 1):
        day = first + number * dt.timedelta(days=1)
        at = clock.day_start(day)
        if Standing.objects.filter(due_at__lte=at).exists():
            tiers.review(at, at)
        if day.day == 1:
            ranking.rank(at, at)
        if day < end and (day + dt.timedelta(days=1)).day == 1:
            shop(at + dt.timedelta(hours=12), day)


def shop(noon: dt.datetime, day: dt.date) -> None:
    for name, habit in HABITS.items():
        if growth := habit.get(day.month):
            send("order.completed", name, noon, **order(f"{name}-{day}", line(1, growth * 100)))


def pyramid() -> dict[int, int]:
    """Members by tier, as they really stand."""
    return dict(Counter(Standing.objects.values_list("tier", flat=True)))


MODES = {
    "deduction": {},
    "deduction with grace and soft landing": {"soft_landing": True, "grace_days": 20},
    "window": {"decay": "window", "window_months": 4},
    "reset": {"decay": "reset", "period_months": 6},
    "half life": {"decay": "half_life", "half_life_days": 60},
    "never": {"decay": "none"},
    "top": {
        "line": "top",
        "decay": "window",
        "window_months": 2,
        "sizes": {"diamond": 1, "gold": 3, "silver": 5, "bronze": 8},
    },
    "share": {
        "line": "share",
        "decay": "window",
        "window_months": 3,
        "sizes": {"diamond": 200, "gold": 400, "silver": 600, "bronze": 900},
    },
}


@pytest.mark.parametrize("mode", MODES)
def test_a_year_comes_as_it_was_foretold(mode):
    ladder = a_ladder(QUICK, **MODES[mode])
    a_growth_policy()
    live(TODAY.replace(year=2026), TODAY)

    forecast = forecasts.of(ladder, MIDNIGHT)

    assert forecast.months[0] == (TODAY, pyramid())
    assert len(forecast.months) == 13
    assert len({tuple(sorted(sizes.items())) for _day, sizes in forecast.months}) > 1, "nothing was foretold"
    before = TODAY
    for day, foretold in forecast.months[1:]:
        live(before, day)
        before = day
        assert foretold == pyramid(), day


# A population small enough to reckon by hand -------------------------------------------------------------------


def people() -> None:
    """By growth and tier on JD's ladder: 1,500 bronze, 2,000 silver, 9,999 silver, 12,000 gold."""
    a_growth_policy()
    for name, growth in {"alice": 1_500, "bob": 2_000, "charlie": 9_999, "dora": 12_000}.items():
        send(
            "order.completed",
            name,
            clock.day_start(TODAY) - dt.timedelta(days=30),
            **order(name, line(1, growth * 100)),
        )


def named(moves: dict) -> dict[str, int]:
    codes = dict(Tier.objects.values_list("pk", "code")) | {None: "none"}
    return {f"{codes[before]}>{codes[after]}": members for (before, after), members in moves.items()}


def a_draft(**values) -> Ladder:
    """Silver from 1,000, gold from 11,000; nobody is on it."""
    rungs = [
        ("registered", 0, 0, None, False),
        ("bronze", 0, 0, None, True),
        ("silver", 1_000, 500, 12, False),
        ("gold", 11_500, 1_000, 12, False),
        ("diamond", 12_000, 10_000, 12, False),
    ]
    return a_ladder(rungs, effective_at=None, **values)


def test_a_draft_says_who_goes_where_at_once_and_at_the_review():
    a_ladder()
    people()
    forecast = forecasts.of(a_draft(), MIDNIGHT)
    assert named(forecast.at_once) == {"bronze>silver": 1, "silver>silver": 2, "gold>diamond": 1}
    # alice 1,500 − 500, bob 2,000 − 500, charlie 9,999 − 500 keep silver; dora 12,000 − 10,000 falls to it.
    assert named(forecast.at_review) == {"bronze>silver": 1, "silver>silver": 2, "gold>silver": 1}
    assert (forecast.members, forecast.every) == (4, 1)


def test_a_draft_that_applies_at_once_lets_members_fall_at_once():
    a_ladder()
    people()
    steep = [(code, threshold * 2, *rest) for code, threshold, *rest in JD]
    forecast = forecasts.of(a_ladder(steep, effective_at=None, applies="at_once"), MIDNIGHT)
    assert named(forecast.at_once) == {"bronze>bronze": 1, "silver>bronze": 1, "silver>silver": 1, "gold>silver": 1}


def test_a_forecast_saves_nothing():
    a_ladder()
    people()
    draft = a_draft()
    before = list(Standing.objects.order_by("pk").values())
    entries, changes = GrowthEntry.objects.count(), TierChange.objects.count()
    forecasts.of(draft, MIDNIGHT)
    forecasts.of(draft, MIDNIGHT)
    assert list(Standing.objects.order_by("pk").values()) == before
    assert (GrowthEntry.objects.count(), TierChange.objects.count()) == (entries, changes)
    assert not {name for name in connection.introspection.table_names() if name.startswith("forecast")}


def test_of_many_members_some_stand_for_all():
    a_ladder()
    people()
    forecast = forecasts.of(a_draft(), MIDNIGHT, sample=2)
    assert forecast.every == 2
    assert sum(forecast.at_once.values()) == 4
    assert all(members % 2 == 0 for members in forecast.at_once.values())


def test_members_who_left_are_not_counted():
    a_ladder()
    people()
    Member.objects.filter(external_id="dora").update(status=Member.Status.CLOSED)
    forecast = forecasts.of(a_draft(), MIDNIGHT)
    assert forecast.members == sum(forecast.at_once.values()) == 3


def test_the_coming_review_is_what_the_review_does():
    ladder = a_ladder(QUICK)
    a_growth_policy()
    live(TODAY.replace(year=2026), dt.date(2026, 7, 20))
    until = clock.day_start(dt.date(2026, 12, 5))

    verdicts = forecasts.coming_review(ladder, until)

    assert {verdict.external_id for verdict in verdicts} == {"amy", "ben", "cat", "dan", "eve", "ida"}
    assert any(verdict.tier_after != verdict.tier_before for verdict in verdicts)
    tiers.review(until, until)
    for verdict in verdicts:
        real = standing(verdict.external_id)
        assert (real.tier_id, real.growth) == (verdict.tier_after, verdict.growth_after)
    left = Standing.objects.filter(tier_until__lte=until)
    assert not left.exists()


@pytest.mark.parametrize("mode", ["deduction", "reset", "window", "half life"])
def test_a_tier_set_by_hand_stays_until_its_end_and_then_growth_decides(mode):
    ladder = a_ladder(QUICK, **MODES[mode])
    people()
    diamond = ladder.rungs.get(tier__code="diamond").tier
    alice = Member.objects.get(external_id="alice")
    until = TODAY + dt.timedelta(days=100)
    overrides.set_tier(alice, diamond, until, note="An ambassador", actor=STAFF, at=MIDNIGHT)
    forecast = forecasts.of(ladder, MIDNIGHT)
    others = Standing.objects.filter(tier=diamond).exclude(pk=alice.pk).count()
    held = {day: sizes[diamond.pk] for day, sizes in forecast.months if day <= until}
    assert len(held) == 4
    assert min(held.values()) >= 1
    assert held[TODAY] == others + 1
    ended = next(sizes for day, sizes in forecast.months if day > until)
    assert ended.get(diamond.pk, 0) <= others
