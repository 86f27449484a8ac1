"""Growth and tiers against a small model of them: whatever happens in whatever order, both say the same (F1, F3, F5, F11).

The model is a page: a member is a list of what each day gave, a tier and a date. It knows no SQL and no desk. Ladders that
reset or halve growth are not modelled; there the proofs must hold, and a second night must find nothing to do.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import count

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from loyalty.models import GrowthEntry, Ladder, Standing, TierChange
from loyalty.services import invariants, tiers, transfers
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON, a_growth_policy, a_ladder, line, order, send
from members.models import Member
from members.services import members

NAMES = ("alice", "bob", "charlie")
CODES = ("registered", "bronze", "silver", "gold", "diamond")
# Thresholds, deductions, months valid: low and short, so that much happens.
THRESHOLDS, DEDUCTIONS, MONTHS = (0, 0, 200, 500, 1_000), (0, 0, 100, 200, 400), (None, None, 2, 3, 3)
WINDOW, RETURNS = 3, 7 * DAY
Decay = Ladder.Decay
PROOFS = (
    *(invariants.growth.GROWTH_IS_ITS_ENTRIES, invariants.growth.RUNNING_GROWTH),
    *(invariants.growth.ORDERS_GROW_WHAT_IS_DUE, invariants.growth.TIERS_ARE_THEIR_HISTORY),
)


def day_of(at: dt.datetime) -> dt.date:
    """Shanghai's day."""
    return (at + dt.timedelta(hours=8)).date()


def midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.min, tzinfo=dt.UTC) - dt.timedelta(hours=8)


def member(name: str) -> Member:
    return Member.objects.get(external_id=name)


def months_later(day: dt.date, months: int) -> dt.date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


# The model ----------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Rules:
    """A ladder of the model."""

    start: dt.datetime
    decay: str
    factor: int
    at_once: bool

    def deserved(self, growth: int, ordered: bool) -> int:
        reached = [rank for rank in range(5) if growth >= THRESHOLDS[rank] * self.factor * 100]
        return max(rank for rank in reached if rank != 1 or ordered)

    def until(self, rank: int, day: dt.date) -> dt.date | None:
        return months_later(day, MONTHS[rank]) if MONTHS[rank] else None

    def opens(self, day: dt.date) -> dt.date:
        """The first day of the window."""
        return months_later(day.replace(day=1), -WINDOW)


@dataclass(eq=False)
class Person:
    rules: Rules
    days: dict = field(default_factory=lambda: defaultdict(int))
    growth: int = 0
    rank: int = 0
    until: dt.date | None = None
    ordered: bool = False
    sure: int = 0
    sure_from: dt.datetime = NOON - DAY
    months_seen: dt.date = dt.date(2026, 3, 1)
    logins: set = field(default_factory=set)
    percent: int = 100

    def step(self, rank: int, day: dt.date) -> None:
        self.rank, self.until = rank, self.rules.until(rank, day)

    def deserves(self) -> int:
        return self.rules.deserved(self.growth, self.ordered)

    def move(self, points: int, day: dt.date, now: dt.datetime) -> int:
        """Growth of a day comes or goes; what has left the window counts for nothing."""
        if self.rules.decay == Decay.WINDOW and day < self.rules.opens(day_of(now)):
            points = 0
        points = max(points, -self.growth)
        self.growth += points
        self.days[day] += points
        return points

    def climb(self, now: dt.datetime, provisional: bool) -> None:
        if self.deserves() > self.rank:
            if provisional:
                self.sure = self.secure(now)
                self.sure_from = max(self.sure_from, now + RETURNS)
            self.step(self.deserves(), day_of(now))

    def secure(self, now: dt.datetime) -> int:
        return self.sure if now < self.sure_from else self.rank

    def fall(self, now: dt.datetime) -> None:
        to = max(self.deserves(), self.sure)
        if now < self.sure_from and to < self.rank:
            self.step(to, day_of(now))

    def due(self) -> dt.date | None:
        dates = [self.until]
        if self.rules.decay == Decay.WINDOW and self.growth:
            dates.append(months_later(self.months_seen.replace(day=1), 1))
        return min((date for date in dates if date), default=None)

    def pass_day(self, day: dt.date) -> None:
        self.months_seen = max(day, self.months_seen)
        if self.rules.decay == Decay.WINDOW:
            self.growth = self.counted(day)
        if self.until is None or self.until > day:
            return
        if self.rules.decay == Decay.DEDUCTION:
            self.growth = max(0, self.growth - DEDUCTIONS[self.rank] * 100)
        self.step(self.deserves(), day)

    def counted(self, day: dt.date) -> int:
        return max(0, sum(points for then, points in self.days.items() if then >= self.rules.opens(day)))

    def change(self, rules: Rules) -> None:
        day, self.rules = day_of(rules.start), rules
        self.months_seen = max(day, self.months_seen)
        if rules.decay == Decay.WINDOW:
            self.growth = self.counted(day)
        rank = self.deserves() if rules.at_once else max(self.rank, self.deserves())
        if rank != self.rank or self.until is None:
            self.step(rank, day)


class GrowthMachine(RuleBasedStateMachine):
    DECAYS: tuple[str, ...] = (Decay.NONE, Decay.DEDUCTION, Decay.WINDOW)
    modelled = True

    def __init__(self):
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic._from_testcase = True
        self.atomic.__enter__()
        self.now, self.codes, self.merged, self.orders = NOON, count(1), {}, {}
        a_growth_policy()
        self.ladders: list[Rules] = []
        self.publish(NOON - 30 * DAY, self.DECAYS[-1], 1, False)
        self.people = {name: Person(self.ladders[0]) for name in NAMES}
        for name in NAMES:
            send("member.logged_in", name, NOON)
            self.people[name].logins.add(day_of(NOON))

    def teardown(self):
        try:
            assert_proven()
        finally:
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    def publish(self, start, decay, factor, at_once):
        self.ladders.append(Rules(start, decay, factor, at_once))
        rungs = [
            (code, threshold * factor, deduction, months, code == "bronze")
            for code, threshold, deduction, months in zip(CODES, THRESHOLDS, DEDUCTIONS, MONTHS, strict=True)
        ]
        applies = Ladder.Applies.AT_ONCE if at_once else Ladder.Applies.AT_REVIEW
        a_ladder(rungs, effective_at=start, decay=decay, applies=applies, window_months=WINDOW, half_life_days=40)

    def name_of(self, name):
        while name in self.merged:
            name = self.merged[name]
        return name

    def meet(self, name) -> Person:
        """The person an event concerns, when time has had its due."""
        person = self.people[self.name_of(name)]
        self.pass_time(person, self.now)
        return person

    def pass_time(self, person, until):
        while True:
            later = self.ladders[self.ladders.index(person.rules) + 1 :]
            following = later[0] if later and later[0].start <= until else None
            due = person.due()
            if due and midnight(due) <= (following.start if following else until):
                person.pass_day(due)
            elif following:
                person.change(following)
            else:
                return

    who = st.sampled_from(NAMES)

    @rule(days=st.sampled_from([0, 1, 8, 35, 70]), hours=st.integers(1, 23))
    def time_passes(self, days, hours):
        self.now += dt.timedelta(days=days, hours=hours)

    @rule(name=who, yuan=st.sampled_from([10, 19, 20, 60, 150, 250, 400, 1_200]), cents=st.integers(0, 99))
    def an_order_completes(self, name, yuan, cents):
        code, cash = f"o-{next(self.codes)}", yuan * 100 + cents
        send("order.completed", name, self.now, **order(code, line(1, cash, sku=code)))
        person = self.meet(name)
        due = yuan if yuan >= 20 else 0
        person.ordered = True
        if due:
            person.move(due * person.percent, day_of(self.now), self.now)
        person.climb(self.now, provisional=True)
        self.orders[code] = {
            "name": name,
            "at": self.now,
            "cash": cash,
            "kept": cash,
            "due": due,
            "gave": [],
            "whole": True,
        }
        self.orders[code]["percent"] = person.percent

    @rule(name=who)
    def a_member_logs_in(self, name):
        send("member.logged_in", name, self.now)
        person, today = self.meet(name), day_of(self.now)
        if today not in person.logins and person.ordered:
            person.move(5 * person.percent, today, self.now)
            person.climb(self.now, provisional=False)
        person.logins.add(today)

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), photos=st.integers(0, 1))
    def an_order_is_reviewed(self, data, photos):
        code = data.draw(st.sampled_from(sorted(self.orders)))
        known = self.orders[code]
        said = {"review": f"r-{code}", "order": code, "line": "1", "photos": photos}
        send("review.approved", known["name"], self.now, **said)
        person = self.meet(known["name"])
        gates = known["whole"] and known["cash"] >= 2_000 and self.now <= known["at"] + 90 * DAY
        if not gates or "reviewed" in known:
            known["reviewed"] = known.get("reviewed", False)
            return
        known["reviewed"] = True
        for points in (20, 20)[: 1 + photos]:
            person.move(points * person.percent, day_of(self.now), self.now)
            person.climb(self.now, provisional=False)
            known["gave"].append((points * person.percent, day_of(self.now)))

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), share=st.sampled_from([0.2, 0.5, 1]))
    def an_order_is_refunded(self, data, share):
        code = data.draw(st.sampled_from(sorted(self.orders)))
        known = self.orders[code]
        if not known["whole"]:
            return
        how = {"quantity": 1} if share == 1 else {"cash": int(known["kept"] * share)}
        send(
            *("order.refunded", known["name"], self.now), order=code, refund=f"f-{next(self.codes)}", reason="defect",
            lines=[{"line": "1"} | how],
        )  # fmt: skip
        person = self.meet(known["name"])
        known["kept"] -= how.get("cash", known["kept"])
        left = known["kept"] // 100 if known["kept"] >= 2_000 else 0
        if gone := (known["due"] - left) * known["percent"]:
            person.move(-gone, day_of(known["at"]), self.now)
            person.fall(self.now)
        known["due"], known["whole"] = left, share != 1
        if share == 1:
            self._withdraw(person, known)

    @precondition(lambda self: any(known["gave"] for known in self.orders.values()))
    @rule(data=st.data())
    def a_review_is_removed(self, data):
        code = data.draw(st.sampled_from(sorted(code for code, known in self.orders.items() if known["gave"])))
        known = self.orders[code]
        send("review.removed", known["name"], self.now, review=f"r-{code}")
        self._withdraw(self.meet(known["name"]), known)

    def _withdraw(self, person, known):
        for points, day in known["gave"]:
            if points:
                person.move(-points, day, self.now)
                person.fall(self.now)
        known["gave"] = []

    @rule(name=who, percent=st.sampled_from([0, 100, 110, 130]))
    def conduct_is_rated(self, name, percent):
        Standing.objects.filter(member__external_id=self.name_of(name)).update(coefficient_percent=percent)
        self.people[self.name_of(name)].percent = percent

    @rule(days=st.integers(0, 40), decay=st.integers(0, 4), factor=st.sampled_from([1, 1, 2]), at_once=st.booleans())
    def a_ladder_is_published(self, days, decay, factor, at_once):
        start = self.now + days * DAY
        if start > self.ladders[-1].start:
            self.publish(start, self.DECAYS[decay % len(self.DECAYS)], factor, at_once)

    @rule(source=who, into=who)
    def members_are_merged(self, source, into):
        source, target = self.name_of(source), self.name_of(into)
        if source == target or self.merged or not self.people[source].growth:
            return
        members.merge(source, target, self.now)
        transfers.merge(member(source), member(target), self.now)
        giver, taker = self.meet(source), self.meet(target)
        self.merged[source] = target
        if giver.rules.decay == Decay.WINDOW:
            moved = {day: points for day, points in giver.days.items() if day >= giver.rules.opens(day_of(self.now))}
        else:
            moved = {day_of(self.now): giver.growth}
        for day, points in moved.items():
            taker.move(giver.move(-points, day, self.now) * -1, day, self.now)
        taker.ordered |= giver.ordered
        self._inherit(giver, taker)

    def _inherit(self, giver, taker):
        rank = max(giver.rank, taker.deserves())
        if rank <= taker.rank:
            return
        windows = [person.sure_from for person in (giver, taker) if self.now < person.sure_from]
        sure, brought = max(giver.secure(self.now), taker.secure(self.now)), giver.rank > taker.deserves()
        taker.step(rank, day_of(self.now))
        if brought:
            taker.until = giver.until
        if windows:
            taker.sure, taker.sure_from = sure, max(windows)

    @rule(nights=st.sampled_from([1, 1, 31]))
    def a_night_passes(self, nights):
        dawn = midnight(day_of(self.now) + nights * DAY)
        self.now = max(self.now, dawn + dt.timedelta(minutes=35))
        tiers.review(dawn, self.now)
        for name in NAMES:
            if name not in self.merged:
                self.pass_time(self.people[name], dawn)
        entries, changes = GrowthEntry.objects.count(), TierChange.objects.count()
        tiers.review(dawn + dt.timedelta(seconds=1), self.now)
        assert (GrowthEntry.objects.count(), TierChange.objects.count()) == (entries, changes)

    @invariant()
    def both_say_the_same(self):
        if not self.modelled:
            return
        rows = Standing.objects.values_list("member__external_id", "growth", "tier__code", "tier_until")
        told = {name: (growth, tier, until) for name, growth, tier, until in rows if name not in self.merged}
        assert told == {
            name: (person.growth, CODES[person.rank], midnight(person.until) if person.until else None)
            for name, person in self.people.items()
            if name not in self.merged
        }

    @invariant()
    def the_ledger_is_sound(self):
        assert_proven(PROOFS)


class WildMachine(GrowthMachine):
    """All five ways growth may go, by the proofs alone; members part again, too."""

    DECAYS = tuple(Decay)
    modelled = False

    @precondition(lambda self: self.merged)
    @rule()
    def members_part(self):
        source, target = self.merged.popitem()
        members.unmerge(source, self.now)
        transfers.unmerge(member(source), member(target), self.now)


SETTINGS = settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    # Making a long story short takes longer than the story is worth.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


@pytest.mark.django_db
class TestGrowth(GrowthMachine.TestCase):
    settings = SETTINGS


@pytest.mark.django_db
class TestAllDecays(WildMachine.TestCase):
    settings = SETTINGS
