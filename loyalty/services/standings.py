"""Where a member stands and what comes next: the next tier, the next review, what a basket would add. Nothing is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from common import clock
from loyalty.models import Ladder, OrderLine, Programme, Standing, Tier, TierCut
from loyalty.models.standings import HUNDREDTHS
from loyalty.services import growth as growths
from loyalty.services import judgement, ladders
from loyalty.services.judgement import Tables
from loyalty.services.ladders import CompiledLadder, Step


@dataclass(frozen=True, slots=True)
class NextTier:
    """The next rung up, in whole growth rounded up. By rank, `threshold` is the cut that was drawn on `ranked_on`.

    `threshold` and `missing` are None before the first ranking.
    """

    tier: Tier
    needs_order: bool
    threshold: int | None
    missing: int | None
    ranked_on: dt.date | None


@dataclass(frozen=True, slots=True)
class NextReview:
    """What the next review does, as things stand; whole growth.

    `on` lies in the past while the review is late or waits for approval. With `grace_until` the tier is lost, but kept
    until the start of that day.
    """

    on: dt.date
    deduction: int
    growth_after: int
    tier_after: Tier
    grace_until: dt.date | None


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a member stands: whole growth, rounded down, and what comes next."""

    growth: int
    next_tier: NextTier | None
    next_review: NextReview | None


def progress(programme: Programme, standing: Standing | None, at: dt.datetime) -> Progress:
    """What a member has and misses at an instant, and what time will take (domain.md F3–F5, S1-11, S2-38).

    By the ladder in force at `at`; a member who has not come onto it yet has no next review. None = nothing happened to
    the member so far. At most two queries.
    """
    ladder = ladders.load(programme).ladders.at(at)
    standing = standing or Standing()
    growth = growth_at(ladder, standing, at)
    if ladder is None:
        return Progress(growth // HUNDREDTHS, None, None)
    return Progress(growth // HUNDREDTHS, _next_tier(ladder, standing, growth), _next_review(ladder, standing, growth))


def to_earn(programme: Programme, standing: Standing | None, lines: Iterable[OrderLine], at: dt.datetime) -> int:
    """The whole growth that a member would gain by an order of these lines completed at `at`; only `cash` counts (F1).

    Hundredths that the member has already count, as they will when the order completes.
    """
    standards = ladders.load(programme)
    policy = standards.policies.at(at)
    if policy is None:
        return 0
    standing = standing or Standing()
    before = growth_at(standards.ladders.at(at), standing, at)
    after = before + growths.base_of(policy, lines) * standing.coefficient_percent
    return after // HUNDREDTHS - before // HUNDREDTHS


def growth_at(ladder: CompiledLadder | None, standing: Standing, at: dt.datetime) -> int:
    """Growth in hundredths; where it halves, what is left of it on that local day (F5)."""
    if ladder is None or ladder.ladder.decay != Ladder.Decay.HALF_LIFE or standing.reckoned_on is None:
        return standing.growth
    days = (clock.local_date(at) - standing.reckoned_on).days
    return ladders.faded(standing.growth, ladder.fading(days))


def _next_tier(ladder: CompiledLadder, standing: Standing, growth: int) -> NextTier | None:
    rank = standing.tier.rank if standing.tier else ladder.steps[0].rank
    step = ladder.above(rank)
    if step is None:
        return None
    if not ladder.ladder.by_rank:
        return _reached(step, step.threshold, growth, None)
    cut = TierCut.objects.filter(ladder=ladder.ladder, tier=step.tier).order_by("-at").first()
    if cut is None:
        return NextTier(step.tier, step.needs_order, None, None, None)
    # Where there were more places than members the cut is 0, but without growth nobody has a place.
    return _reached(step, max(cut.growth, 1), growth, clock.local_date(cut.at))


def _reached(step: Step, threshold: int, growth: int, ranked_on: dt.date | None) -> NextTier:
    missing = max(threshold - growth, 0)
    return NextTier(step.tier, step.needs_order, _rounded_up(threshold), _rounded_up(missing), ranked_on)


def _rounded_up(growth: int) -> int:
    return -(-growth // HUNDREDTHS)


def _next_review(ladder: CompiledLadder, standing: Standing, growth: int) -> NextReview | None:
    """Judged by the review's own text. A tier set by hand is looked at when its time ends."""
    until = standing.override_until or standing.tier_until
    if until is None or standing.ladder_id != ladder.ladder.pk:
        return None
    left, rank, in_grace = _judged(ladder, standing, until)
    # What halves has faded beyond the day of a review that is late.
    on, after = clock.local_date(until), min(left, growth) // HUNDREDTHS
    return NextReview(
        on=on,
        deduction=growth // HUNDREDTHS - after,
        growth_after=after,
        tier_after=next(step.tier for step in ladder.steps if step.rank == rank),
        grace_until=on + dt.timedelta(days=ladder.ladder.grace_days) if in_grace else None,
    )


def _judged(ladder: CompiledLadder, standing: Standing, until: dt.datetime) -> tuple[int, int, bool]:
    """What a review at `until` would leave: growth in hundredths, the rank of the tier, whether it is kept in grace."""
    on = clock.local_date(until)
    growth, reckoned_on = standing.growth, standing.reckoned_on or on
    if ladder.ladder.decay == Ladder.Decay.HALF_LIFE:
        growth, reckoned_on = _faded_until(ladder, growth, reckoned_on, on), on
    judged = judgement.review(ladder, until, who="true", tables=Tables(standings="outlook"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH outlook AS (
                SELECT member_id, version, tier_id, tier_until, override_until, in_grace, ordered_at,
                       CAST({growth:d} AS bigint) AS growth, {judgement.day(reckoned_on)} AS reckoned_on,
                       {judgement.instant(until)} AS due_at
                FROM loyalty_standing WHERE member_id = {standing.pk:d}
            ),
            {judged}
            SELECT left_growth, rank_after, in_grace FROM judged
            """
        )
        left, rank, in_grace = cursor.fetchone()
    return left, rank, bool(in_grace)


def _faded_until(ladder: CompiledLadder, growth: int, since: dt.date, on: dt.date) -> int:
    """Growth that halves, month by month up to a day and rounded each time, as it will be booked."""
    while growth and since < on:
        month = clock.months_after(clock.month_start(since), 1)
        until = min(month, on)
        growth, since = ladders.faded(growth, ladder.fading((until - since).days)), until
    return growth
