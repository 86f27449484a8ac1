"""What time does to standings, as SQL: one text for the nightly review, for a preview and for a forecast (F3–F5).

`review` and `switch` give the text of common table expressions that end in `judged`: one row per standing with what it
is (growth, rank_before, tier_before) and what becomes of it (asked, left_growth, rank_after, tier_after, until_at,
due_at …). Nothing is written here; the caller selects from `judged`, or writes it down (tiers.py). All values in the
texts are numbers, dates and names of ours. The same on PostgreSQL and SQLite.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import connection

from common import clock
from loyalty.models import GrowthEntry, Ladder
from loyalty.services.ladders import PARTS, CompiledLadder, Step

Decay, Kind = Ladder.Decay, GrowthEntry.Kind

# What the window counts; time's own entries are not counted twice.
COUNTED = (Kind.ORDER, Kind.LOGIN, Kind.DAYS, Kind.REVIEW, Kind.PHOTO, Kind.REVERSAL, Kind.MERGE)

# The kind of the entry by which a ladder takes growth.
TAKES: dict[str, str] = {
    Decay.NONE: Kind.DEDUCTION,
    Decay.DEDUCTION: Kind.DEDUCTION,
    Decay.WINDOW: Kind.WINDOW,
    Decay.RESET: Kind.RESET,
    Decay.HALF_LIFE: Kind.HALF_LIFE,
}

_FAR = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Tables:
    """Whose standings are judged: the real ones, or a copy (of the same columns) for a forecast."""

    standings: str = "loyalty_standing"
    entries: str = "loyalty_growthentry"


REAL = Tables()


def review(
    ladder: CompiledLadder, at: dt.datetime, *, who: str, days: Iterable[dt.date] = (), tables: Tables = REAL
) -> str:
    """Standings `s` for which `who` holds and whose due_at has come by `at`, judged as of `at`, a start of a local day.

    `days` are the distinct reckoned_on of those standings, needed where growth halves.
    """
    on = clock.local_date(at)
    law = ladder.ladder
    rank = "aged.rank"
    lost = "deserved < rank AND reviewed"
    into_grace = f"{lost} AND NOT in_grace" if law.grace_days and not law.never_downgrade else "false"
    return f"""
    due AS (
        SELECT s.*, {rank_of(ladder)} AS rank,
               COALESCE(s.tier_until <= {instant(at)}, false) AND s.override_until IS NULL AS reviewed,
               COALESCE(s.override_until <= {instant(at)}, false) AS freed
        FROM {tables.standings} s WHERE s.due_at <= {instant(at)} AND {who}
    ),
    aged AS (SELECT due.*, {_aged(ladder, on, days)} AS aged_growth FROM due {_leaving(ladder, on, tables)}),
    weighed AS (SELECT aged.*, {_deserved(ladder, "aged.aged_growth", rank)} AS deserved FROM aged),
    placed AS (
        SELECT weighed.*, {into_grace} AS into_grace,
               CASE WHEN freed THEN deserved WHEN NOT reviewed OR deserved >= rank THEN
                        CASE WHEN reviewed THEN deserved ELSE rank END
                    {"ELSE rank" if law.never_downgrade else _falls(ladder, into_grace)}
               END AS rank_after
        FROM weighed
    ),
    settled AS (SELECT placed.*, {_left(ladder)} AS left_growth FROM placed),
    judged AS (
        SELECT member_id, version, growth, aged_growth, left_growth, {_asked(ladder)} AS asked, reviewed,
               rank AS rank_before, rank_after, tier_id AS tier_before, {tier_of(ladder)} AS tier_after,
               CASE WHEN freed THEN 'override_end' WHEN rank_after > deserved THEN 'soft_landing' ELSE 'review' END
                   AS reason,
               {_until(ladder, on)} AS until_at, {_reckoned(ladder, on)} AS reckoned_on,
               CASE WHEN reviewed OR freed THEN into_grace ELSE in_grace END AS in_grace,
               CASE WHEN freed THEN NULL ELSE override_until END AS override_until,
               {_due(ladder, on, _until(ladder, on), "CASE WHEN freed THEN NULL ELSE override_until END")} AS due_at
        FROM settled
    )"""


def switch(ladder: CompiledLadder, at: dt.datetime, *, who: str, ranks: dict[int, int], tables: Tables = REAL) -> str:
    """Standings `s` for which `who` holds, brought to another ladder at `at`; `ranks` are those of all tiers by id.

    A member keeps the tier (or the rung below it, if the ladder does not have it) and rises at once if growth reaches
    further; whether one falls at once is said by `Ladder.applies`. A ladder by rank changes nothing before its ranking.
    """
    on, law = clock.local_date(at), ladder.ladder
    lowest = ladder.steps[0].rank
    known = {
        tier: max((step.rank for step in ladder.steps if step.rank <= rank), default=lowest)
        for tier, rank in ranks.items()
    }
    if law.by_rank:
        goes = "ELSE rank"
    elif law.applies == Ladder.Applies.AT_ONCE:
        goes = "ELSE deserved"
    else:
        goes = "WHEN deserved > rank THEN deserved ELSE rank"
    fresh = _by_rank(ladder, lambda step: instant(ladder.valid_until(step, on)))
    kept = _by_rank(ladder, lambda step: "s_until" if ladder.valid_until(step, on) else instant(None))
    keeps = "false" if law.decay == Decay.RESET else "rank_after = rank AND s_until IS NOT NULL"
    until = f"CASE WHEN {keeps} THEN {kept} ELSE {fresh} END"
    return f"""
    known AS (
        SELECT s.*, s.tier_until AS s_until, {_case("s.tier_id", known.items(), "NULL")} AS rank,
               {_reckon(ladder, on, tables)} AS left_growth
        FROM {tables.standings} s WHERE {who}
    ),
    weighed AS (SELECT known.*, {_deserved(ladder, "left_growth", str(lowest))} AS deserved FROM known),
    settled AS (
        SELECT weighed.*,
               CASE WHEN rank IS NULL THEN {lowest if law.by_rank else "deserved"}
                    WHEN override_until IS NOT NULL THEN rank {goes} END AS rank_after
        FROM weighed
    ),
    judged AS (
        SELECT member_id, version, growth, left_growth, left_growth - growth AS asked, false AS reviewed,
               rank AS rank_before, rank_after, tier_id AS tier_before, {tier_of(ladder)} AS tier_after,
               CASE WHEN tier_id IS NULL THEN 'joined' ELSE 'ladder' END AS reason,
               {until} AS until_at, {day(ladder.reckoned_on(on))} AS reckoned_on, false AS in_grace, override_until,
               {_due(ladder, on, until, "override_until")} AS due_at
        FROM settled
    )"""


def places(ladder: CompiledLadder, tables: Tables = REAL) -> str:
    """`ranked`: the place of each member in a total order: growth, then who reached it first, then who came first (F4).

    Closed and merged members, those set by hand and those without growth take no place (E50).
    """
    return f"""
    ranked AS (
        SELECT s.member_id, s.growth, row_number() OVER (ORDER BY s.growth DESC, s.grown_at NULLS LAST, s.member_id) AS place
        FROM {tables.standings} s JOIN members_member m ON m.id = s.member_id
        WHERE s.growth > 0 AND s.ladder_id = {ladder.ladder.pk} AND s.override_until IS NULL AND m.status = 'active'
    )"""


def ranking(ladder: CompiledLadder, room: dict[int, int], tables: Tables = REAL) -> str:
    """Standings on a ladder by rank whose tier changes when its lines are drawn; `room` is the places by rank.

    The best rung whose places reach to a member; a rung once reached reaches further by the hysteresis (E51).
    """
    wider = 100 + ladder.ladder.hysteresis_percent
    whens = " ".join(
        f"WHEN place <= {size} OR (rank >= {rank} AND place <= {size * wider // 100}) THEN {rank}"
        for rank, size in sorted(room.items(), reverse=True)
    )
    lowest = ladder.steps[0].rank
    after = f"CASE {whens} ELSE {lowest} END" if whens else str(lowest)
    return f"""{places(ladder, tables)},
    standing AS (
        SELECT s.*, {rank_of(ladder)} AS rank, ranked.place
        FROM {tables.standings} s JOIN members_member m ON m.id = s.member_id
        LEFT JOIN ranked ON ranked.member_id = s.member_id
        WHERE s.ladder_id = {ladder.ladder.pk} AND s.override_until IS NULL AND m.status = 'active'
    ),
    placed AS (SELECT standing.*, {after} AS rank_after FROM standing),
    lined AS (
        SELECT member_id, version, growth, growth AS left_growth, 0 AS asked, true AS reviewed,
               rank AS rank_before, rank_after, tier_id AS tier_before, {tier_of(ladder)} AS tier_after,
               'ranking' AS reason, tier_until AS until_at, reckoned_on, false AS in_grace, override_until, due_at
        FROM placed
    ),
    judged AS (SELECT * FROM lined WHERE tier_after IS DISTINCT FROM tier_before)"""


# Words of SQL ---------------------------------------------------------------------------------------------------


def instant(at: dt.datetime | None) -> str:
    """An instant as the columns of this database hold it."""
    if connection.vendor == "postgresql":
        return f"CAST('{at.isoformat()}' AS timestamptz)" if at else "CAST(NULL AS timestamptz)"
    return f"'{connection.ops.adapt_datetimefield_value(at)}'" if at else "NULL"


def day(on: dt.date) -> str:
    """A local day as the columns of this database hold it."""
    return f"CAST('{on.isoformat()}' AS date)" if connection.vendor == "postgresql" else f"'{on.isoformat()}'"


def _least(*expressions: str) -> str:
    return f"{'LEAST' if connection.vendor == 'postgresql' else 'min'}({', '.join(expressions)})"


def _greatest(*expressions: str) -> str:
    return f"{'GREATEST' if connection.vendor == 'postgresql' else 'max'}({', '.join(expressions)})"


def _case(value: str, pairs: Iterable[tuple[object, object]], otherwise: object) -> str:
    whens = " ".join(f"WHEN {key} THEN {result}" for key, result in pairs)
    return f"CASE {value} {whens} ELSE {otherwise} END" if whens else str(otherwise)


def _by_rank(ladder: CompiledLadder, says: Callable[[Step], object], column: str = "rank_after") -> str:
    *others, last = [(step.rank, says(step)) for step in ladder.steps]
    return _case(column, others, last[1])


def rank_of(ladder: CompiledLadder) -> str:
    """The rank of standing `s` on the ladder; the lowest, if its tier is not on it."""
    return _case("s.tier_id", ((step.tier.pk, step.rank) for step in ladder.steps), ladder.steps[0].rank)


def tier_of(ladder: CompiledLadder) -> str:
    """The tier of `rank_after`."""
    return _by_rank(ladder, lambda step: step.tier.pk)


def _deserved(ladder: CompiledLadder, growth: str, otherwise: str) -> str:
    """The highest rung that so much growth reaches; on a ladder by rank growth says nothing."""
    if ladder.ladder.by_rank:
        return otherwise
    lowest, *others = ladder.steps
    whens = " ".join(
        f"WHEN {growth} >= {step.threshold}{' AND ordered_at IS NOT NULL' if step.needs_order else ''} THEN {step.rank}"
        for step in reversed(others)
    )
    return f"CASE {whens} ELSE {lowest.rank} END" if whens else str(lowest.rank)


def _falls(ladder: CompiledLadder, into_grace: str) -> str:
    down = "deserved"
    if ladder.ladder.soft_landing:
        below = [(step.rank, under.rank) for under, step in zip(ladder.steps, ladder.steps[1:], strict=False)]
        down = _greatest("deserved", _case("rank", below, "deserved"))
    return f"WHEN {into_grace} THEN rank ELSE {down}"


def _deduction(ladder: CompiledLadder) -> str:
    return _by_rank(ladder, lambda step: step.deduction, column="rank")


def _aged(ladder: CompiledLadder, on: dt.date, days: Iterable[dt.date]) -> str:
    """Growth when time has taken its share; a period's end takes its share after the tier is decided (see _left)."""
    decay = ladder.ladder.decay
    if decay == Decay.DEDUCTION:
        return f"CASE WHEN reviewed AND NOT in_grace THEN {_greatest('growth - ' + _deduction(ladder), '0')} ELSE growth END"
    if decay == Decay.WINDOW:
        return _greatest(f"growth - {_greatest('COALESCE(leaving.points, 0)', '0')}", "0")
    if decay == Decay.HALF_LIFE:
        parts = _case("due.reckoned_on", ((day(since), ladder.fading((on - since).days)) for since in days), PARTS)
        # Divided first, so that the product stays within 64 bits.
        return f"(growth / {PARTS}) * {parts} + (growth % {PARTS}) * {parts} / {PARTS}"
    return "growth"


def _leaving(ladder: CompiledLadder, on: dt.date, tables: Tables) -> str:
    """The growth of the days that leave the window."""
    if ladder.ladder.decay != Decay.WINDOW:
        return ""
    return f"""LEFT JOIN (
            SELECT e.member_id, CAST(sum(e.delta) AS bigint) AS points
            FROM {tables.entries} e JOIN due ON due.member_id = e.member_id
            WHERE e.kind IN ({_counted()}) AND e.occurred_on >= due.reckoned_on
              AND e.occurred_on < {day(ladder.reckoned_on(on))}
            GROUP BY e.member_id
        ) leaving ON leaving.member_id = due.member_id"""


def _reckon(ladder: CompiledLadder, on: dt.date, tables: Tables) -> str:
    """Growth as a new ladder sees it: a window counts its days, all others take what is there."""
    if ladder.ladder.decay != Decay.WINDOW:
        return "s.growth"
    counted = f"""COALESCE((
            SELECT CAST(sum(e.delta) AS bigint) FROM {tables.entries} e
            WHERE e.member_id = s.member_id AND e.kind IN ({_counted()})
              AND e.occurred_on >= {day(ladder.reckoned_on(on))}
        ), 0)"""
    return _greatest(counted, "0")


def _counted() -> str:
    return ", ".join(f"'{kind}'" for kind in COUNTED)


def _left(ladder: CompiledLadder) -> str:
    if ladder.ladder.decay != Decay.RESET:
        return "aged_growth"
    threshold = _by_rank(ladder, lambda step: step.threshold)
    most = _by_rank(ladder, lambda step: step.threshold * ladder.ladder.carry_percent // 100)
    carried = _least(most, _greatest(f"growth - {threshold}", "0"))
    # A grace is more time to reach the threshold: the period ends for this member when the grace does.
    return f"CASE WHEN reviewed AND NOT into_grace THEN {carried} ELSE aged_growth END"


def _asked(ladder: CompiledLadder) -> str:
    if ladder.ladder.decay == Decay.DEDUCTION:
        return f"CASE WHEN reviewed AND NOT in_grace THEN -{_deduction(ladder)} ELSE 0 END"
    return "left_growth - growth"


def _until(ladder: CompiledLadder, on: dt.date) -> str:
    grace = instant(clock.day_start(on + dt.timedelta(days=ladder.ladder.grace_days)))
    fresh = _by_rank(ladder, lambda step: instant(ladder.valid_until(step, on)))
    return f"CASE WHEN NOT reviewed AND NOT freed THEN tier_until WHEN into_grace THEN {grace} ELSE {fresh} END"


def _reckoned(ladder: CompiledLadder, on: dt.date) -> str:
    decay, now = ladder.ladder.decay, day(ladder.reckoned_on(on))
    if decay in (Decay.WINDOW, Decay.HALF_LIFE):
        # An event may have been here before a review that is late.
        return _greatest("reckoned_on", now)
    return f"CASE WHEN reviewed THEN {now} ELSE reckoned_on END" if decay == Decay.RESET else "reckoned_on"


def _due(ladder: CompiledLadder, on: dt.date, until: str, override: str) -> str:
    far = instant(_FAR)
    decays_at = ladder.decays_at(on)
    decay = f"CASE WHEN left_growth > 0 THEN {instant(decays_at)} ELSE {far} END" if decays_at else far
    # While a tier is set by hand nothing is reviewed.
    return f"NULLIF({_least(f'COALESCE({override}, {until}, {far})', decay)}, {far})"
