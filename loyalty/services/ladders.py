"""Ladders, compiled: where growth leads, how long a tier is valid, and what time takes (domain.md F3–F5)."""

from __future__ import annotations

import datetime as dt
import functools
import uuid
from bisect import bisect_right
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal
from typing import Generic, TypeVar

from common import clock
from loyalty.models import Edition, GrowthPolicy, Ladder, Programme, Standing, Tier
from loyalty.models.standings import HUNDREDTHS

# Fading factors are whole parts of this: 64 bits suffice on every database, and the error stays below a billionth.
PARTS = 10**9


@dataclass(frozen=True, slots=True)
class Step:
    """One rung, compiled. `threshold` and `deduction` in hundredths of growth; `size` as Rung.size."""

    tier: Tier
    threshold: int
    deduction: int
    validity_months: int | None
    needs_order: bool
    size: int | None
    benefit_cost: int

    @property
    def rank(self) -> int:
        return self.tier.rank


class CompiledLadder:
    """A ladder with its rungs, lowest first, and its calendar. Instants are starts of local days."""

    def __init__(self, ladder: Ladder):
        self.ladder = ladder
        self.steps = [
            Step(
                tier=rung.tier,
                threshold=rung.threshold * HUNDREDTHS,
                deduction=rung.deduction * HUNDREDTHS,
                validity_months=rung.validity_months,
                needs_order=rung.needs_order,
                size=rung.places if ladder.line == Ladder.Line.TOP else rung.share_permille,
                benefit_cost=rung.benefit_cost,
            )
            for rung in sorted(ladder.rungs.all(), key=lambda rung: rung.tier.rank)
        ]
        self.by_tier = {step.tier.pk: step for step in self.steps}

    def deserved(self, growth: int, *, ordered: bool) -> Step:
        """The highest rung whose threshold so much growth (hundredths) reaches: >=, domain.md E45."""
        reached = [step for step in self.steps if growth >= step.threshold and (ordered or not step.needs_order)]
        return reached[-1]

    def deserved_by(self, standing: Standing) -> Step:
        """The rung to which a member's growth leads; on a ladder by rank, where the member stands until the ranking."""
        if self.ladder.by_rank:
            return self.nearest(standing.tier)
        return self.deserved(standing.growth, ordered=standing.ordered_at is not None)

    def nearest(self, tier: Tier | None) -> Step:
        """The rung of a tier; the one below it, if the ladder does not have it."""
        below = [step for step in self.steps if tier is not None and step.rank <= tier.rank]
        return below[-1] if below else self.steps[0]

    def above(self, rank: int) -> Step | None:
        """The next rung up."""
        return next((step for step in self.steps if step.rank > rank), None)

    def valid_until(self, step: Step, on: dt.date) -> dt.datetime | None:
        """When a tier reached on a local day is reviewed: JD's anniversary, or the end of the period; None = never."""
        if self.ladder.decay == Ladder.Decay.RESET:
            return clock.day_start(self.period_end(on))
        if self.ladder.by_rank or step.validity_months is None:
            return None
        return clock.day_start(clock.months_after(on, step.validity_months))

    def decays_at(self, on: dt.date) -> dt.datetime | None:
        """When time takes something next, apart from reviews: the first of the next month, if at all."""
        if self.ladder.decay not in (Ladder.Decay.WINDOW, Ladder.Decay.HALF_LIFE):
            return None
        return clock.day_start(clock.months_after(clock.month_start(on), 1))

    def due_at(self, standing: Standing) -> dt.datetime | None:
        """When time changes something next for a member, overdue or not; None = never.

        While a tier is set by hand nothing is reviewed.
        """
        decay = None
        if standing.growth and standing.reckoned_on is not None:
            decay = self.decays_at(self._booked_to(standing.reckoned_on))
        dates = (standing.override_until or standing.tier_until, decay)
        return min((at for at in dates if at is not None), default=None)

    def _booked_to(self, reckoned_on: dt.date) -> dt.date:
        if self.ladder.decay == Ladder.Decay.WINDOW:
            return clock.months_after(reckoned_on, self.ladder.window_months)
        return reckoned_on

    def reckoned_on(self, on: dt.date) -> dt.date:
        """From when growth counts: the first day of the window or period; for fading the day it is booked up to."""
        if self.ladder.decay == Ladder.Decay.WINDOW:
            return clock.months_after(clock.month_start(on), -self.ladder.window_months)
        if self.ladder.decay == Ladder.Decay.RESET:
            return clock.months_after(self.period_end(on), -self.ladder.period_months)
        return on

    def period_end(self, on: dt.date) -> dt.date:
        """The first day after the period, a calendar year or part of one, in which a day lies."""
        months = self.ladder.period_months
        return clock.months_after(dt.date(on.year, 1, 1), ((on.month - 1) // months + 1) * months)

    def fading(self, days: int) -> int:
        """What is left of PARTS after so many days of a half-life: 2^(-days/h), rounded down (F5)."""
        return _fading(max(days, 0), self.ladder.half_life_days)


@functools.lru_cache(maxsize=10_000)
def _fading(days: int, half_life: int) -> int:
    context = Context(prec=40, rounding=ROUND_FLOOR)
    share = context.power(Decimal(2), context.divide(Decimal(-days), Decimal(half_life)))
    return int(context.multiply(share, Decimal(PARTS)))


def faded(growth: int, parts: int) -> int:
    """So many PARTS of growth, rounded down."""
    return growth * parts // PARTS


P = TypeVar("P")


class Terms(Generic[P]):
    """The published editions of one policy in the order in which they come into force.

    Of several that begin at the same instant only the last was ever in force.
    """

    def __init__(self, editions: list[tuple[dt.datetime, P]]):
        self._terms = list(dict(editions).items())

    def at(self, at: dt.datetime) -> P | None:
        """The edition in force at an instant; None before the first."""
        begun = self.begun(at)
        return begun[-1][1] if begun else None

    def begun(self, at: dt.datetime) -> list[tuple[dt.datetime, P]]:
        """Every edition that had come into force by an instant, with its start, oldest first."""
        return self._terms[: bisect_right(self._terms, at, key=lambda term: term[0])]


@dataclass(frozen=True, slots=True)
class Standards:
    """What decides on standing: ladders and growth policies, all that were ever published."""

    ladders: Terms[CompiledLadder]
    policies: Terms[GrowthPolicy]
    policy_by_id: dict[int, GrowthPolicy]


_cached: tuple[uuid.UUID, Standards] | None = None


def load(programme: Programme) -> Standards:
    """The standards of the programme's current revision; read again only when that has changed."""
    global _cached
    cached = _cached
    if cached is None or cached[0] != programme.rules_revision:
        policies = list(_published(GrowthPolicy))
        ladders = _published(Ladder).prefetch_related("rungs__tier")
        standards = Standards(
            Terms([(ladder.effective_at, CompiledLadder(ladder)) for ladder in ladders]),
            Terms([(policy.effective_at, policy) for policy in policies]),
            {policy.pk: policy for policy in policies},
        )
        _cached = cached = (programme.rules_revision, standards)
    return cached[1]


def _published(kind: type[Edition]):
    return kind._default_manager.filter(status=Edition.Status.PUBLISHED).order_by("effective_at", "number")
