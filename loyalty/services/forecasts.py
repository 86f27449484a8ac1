"""What a ladder would do to the real members: their standings are copied, time passes on the copy, nothing is saved.

Judged by the very SQL of the nightly review (judgement.py). A copy lies in temporary tables of one transaction. When there
are more members than SAMPLE, every so-manieth stands for the others; who shows the numbers says so.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, transaction

from common import clock
from loyalty.models import GrowthEntry, Ladder, Standing, Tier
from loyalty.services import judgement, ranking
from loyalty.services.judgement import Tables, day, instant
from loyalty.services.ladders import PARTS, CompiledLadder
from members.models import Member

SAMPLE = 50_000
MONTHS = 12

Matrix = dict[tuple[int | None, int | None], int]
Pyramid = dict[int | None, int]

_COPY = Tables("forecast_standing", "forecast_entry")
_DUE = Tables("forecast_due", "forecast_entry")
_DATES = ("tier_until", "override_until", "reckoned_on")

_EARLY = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
_FAR = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Numbers of members by tier id (None: no tier yet). Each counted member stands for `every` members.

    `at_once` and `at_review` say from where to where members go: when the ladder comes into force, and at the next
    review if nobody grows. `months` is the pyramid today and on the first of each coming month, if members grow
    as they did in the same month of last year and nobody joins or leaves.
    """

    as_of: dt.datetime
    members: int
    every: int
    at_once: Matrix
    at_review: Matrix
    months: list[tuple[dt.date, Pyramid]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the coming review does to one member; growth in hundredths."""

    member_id: int
    external_id: str
    tier_before: int | None
    tier_after: int | None
    growth_before: int
    growth_after: int
    in_grace: bool
    review_at: dt.datetime


def of(ladder: Ladder, as_of: dt.datetime, *, sample: int = SAMPLE) -> Forecast:
    """What comes if `ladder`, a draft or the one in force, decides from `as_of`, the start of a local day, on."""
    law = CompiledLadder(ladder)
    members = Standing.objects.filter(member__status=Member.Status.ACTIVE).count()
    every = max(-(-members // sample), 1)
    with _copied(f"s.member_id % {every:d} = 0", as_of, law, every, year=True) as copy:
        copy.begin(as_of)
        at_once = _scaled(copy.moves(), every)
        copy.save()
        copy.pass_until(copy.last_review(), once=True)
        at_review = _scaled(copy.moves(), every)
        copy.restore()
        months = [(clock.local_date(as_of), _scaled(copy.pyramid(), every))]
        for first, end in _months(clock.local_date(as_of)):
            copy.live_through(first, end)
            months.append((end, _scaled(copy.pyramid(), every)))
    return Forecast(as_of, members, every, at_once, at_review, months)


def coming_review(ladder: Ladder, until: dt.datetime) -> list[Verdict]:
    """What the reviews due by `until` on the ladder in force will do if nobody grows before, in order of growth."""
    due = f"(s.tier_until <= {instant(until)} OR s.override_until <= {instant(until)}) AND s.ladder_id = {ladder.pk:d}"
    with _copied(due, until, CompiledLadder(ladder)) as copy:
        copy.pass_until(until, once=True)
        return copy.verdicts()


def _months(today: dt.date) -> Iterator[tuple[dt.date, dt.date]]:
    """From today to the first of next month, then month by month: (first day, first day after)."""
    first = today
    for _month in range(MONTHS):
        end = clock.months_after(clock.month_start(first), 1)
        yield first, end
        first = end


def _scaled(counts: dict, every: int) -> dict:
    return {key: count * every for key, count in counts.items()}


@contextmanager
def _copied(
    who: str, as_of: dt.datetime, law: CompiledLadder, every: int = 1, *, year: bool = False
) -> Iterator[_Copy]:
    """A copy of the standings `s` of active members for which `who` holds; it goes as it came.

    With `year`, last year's growth is copied too, to be lived through again.
    """
    with transaction.atomic():
        copy = _Copy(law, every)
        copy.make(who)
        copy.recall(as_of, year=year)
        yield copy
        copy.drop()


class _Copy:
    """Standings on which a ladder may be tried."""

    def __init__(self, law: CompiledLadder, every: int):
        self._law, self._every = law, every
        self._ranks = dict(Tier.objects.values_list("pk", "rank"))

    def make(self, who: str) -> None:
        """Copy standings."""
        _run(f"""
            CREATE TEMPORARY TABLE {_COPY.standings} AS
            SELECT s.* FROM loyalty_standing s JOIN members_member m ON m.id = s.member_id
            WHERE m.status = 'active' AND {who}
        """)
        self._index()

    def recall(self, as_of: dt.datetime, *, year: bool) -> None:
        """Copy the growth that a window or the year needs; nothing for other ladders."""
        on = clock.local_date(as_of)
        starts = [clock.months_after(on, -MONTHS)] if year else []
        if self._law.ladder.decay == Ladder.Decay.WINDOW:
            reckoned = _value(f"SELECT min(reckoned_on) FROM {_COPY.standings}")
            starts += [self._law.reckoned_on(on), _day(reckoned) if reckoned else on]
        kinds = ", ".join(f"'{kind}'" for kind in judgement.COUNTED)
        recalled = f"e.occurred_on >= {day(min(starts))} AND e.kind IN ({kinds})" if starts else "false"
        _run(f"""
            CREATE TEMPORARY TABLE {_COPY.entries} AS
            SELECT e.member_id, e.kind, e.occurred_on, e.delta
            FROM loyalty_growthentry e JOIN {_COPY.standings} s ON s.member_id = e.member_id WHERE {recalled}
        """)
        _run(f"CREATE INDEX forecast_entry_day ON {_COPY.entries} (occurred_on)")
        _run(f"CREATE INDEX forecast_entry_member ON {_COPY.entries} (member_id, occurred_on)")
        _run(f"ANALYZE {_COPY.entries}")

    def _index(self) -> None:
        _run(f"CREATE UNIQUE INDEX forecast_member ON {_COPY.standings} (member_id)")
        _run(f"ANALYZE {_COPY.standings}")

    def drop(self) -> None:
        _run(f"DROP TABLE {_COPY.standings}")
        _run(f"DROP TABLE {_COPY.entries}")

    def save(self) -> None:
        """Keep the standings as they are now, for `restore`."""
        _run(f"CREATE TEMPORARY TABLE forecast_saved AS SELECT * FROM {_COPY.standings}")

    def restore(self) -> None:
        """Go back to the moment of `save`."""
        _run(f"DROP TABLE {_COPY.standings}")
        _run(f"ALTER TABLE forecast_saved RENAME TO {_COPY.standings}")
        self._index()

    # Time -----------------------------------------------------------------------------------------------------

    def begin(self, as_of: dt.datetime) -> None:
        """The ladder comes into force for whoever stands on another one."""
        elsewhere = f"s.ladder_id IS DISTINCT FROM {self._law.ladder.pk:d}"
        self._write(judgement.switch(self._law, as_of, who=elsewhere, ranks=self._ranks, tables=_COPY))
        _run(f"UPDATE {_COPY.standings} SET ladder_id = {self._law.ladder.pk:d}")
        self._rank()

    def last_review(self) -> dt.datetime:
        """When everybody will have been reviewed once, and any grace is over."""
        last = _when(f"SELECT max(tier_until) FROM {_COPY.standings}")
        return (last or _EARLY) + dt.timedelta(days=self._law.ladder.grace_days)

    def pass_until(self, until: dt.datetime, *, once: bool = False) -> None:
        """Do what is due by `until`, instant by instant; with `once`, a member is left alone after the review.

        The few who are due in the course of a month are set apart first: a day then costs what it changes. Only on the
        first of a month may everybody be due.
        """
        while (at := _when(f"SELECT min(due_at) FROM {_COPY.standings}")) is not None and at <= until:
            first = clock.month_start(clock.local_date(at))
            begins, ends = clock.day_start(first), clock.day_start(clock.months_after(first, 1))
            self._pass(at if at == begins else min(until, ends - dt.datetime.resolution), once=once)

    def _pass(self, until: dt.datetime, *, once: bool) -> None:
        _run(
            f"CREATE TEMPORARY TABLE {_DUE.standings} AS SELECT * FROM {_COPY.standings} WHERE due_at <= {instant(until)}"
        )
        _run(f"ANALYZE {_DUE.standings}")
        while (at := _when(f"SELECT min(due_at) FROM {_DUE.standings}")) is not None and at <= until:
            due = f"SELECT DISTINCT reckoned_on FROM {_DUE.standings} WHERE due_at <= {instant(at)}"
            days = [_day(value) for (value,) in _rows(due) if value]
            self._write(judgement.review(self._law, at, who="true", days=days, tables=_DUE), _DUE, once=once)
        values = ", ".join(f"{name} = d.{name}" for name in ("growth", "in_grace", *_DATES, "tier_id", "due_at"))
        _run(f"""
            UPDATE {_COPY.standings} SET {values}
            FROM {_DUE.standings} d WHERE d.member_id = {_COPY.standings}.member_id
        """)
        _run(f"DROP TABLE {_DUE.standings}")

    def live_through(self, first: dt.date, end: dt.date) -> None:
        """From `first` until `end` (excluded): reviews, and on the last day the growth of the same days last year."""
        last = end - dt.timedelta(days=1)
        self.pass_until(clock.day_start(last))
        self._keep_up(last)
        source = (day(clock.months_after(first, -MONTHS)), day(clock.months_after(end, -MONTHS)))
        grown = f"FROM {_COPY.entries} WHERE occurred_on >= {source[0]} AND occurred_on < {source[1]}"
        _run(f"""
            UPDATE {_COPY.standings}
            SET growth = CASE WHEN growth + f.points > 0 THEN growth + f.points ELSE 0 END,
                grown_at = CASE WHEN f.points > 0 THEN {instant(clock.day_start(last))} ELSE grown_at END,
                ordered_at = COALESCE(ordered_at, CASE WHEN f.orders > 0 THEN {instant(clock.day_start(last))} END)
            FROM (SELECT member_id, CAST(sum(delta) AS bigint) AS points,
                         sum(CASE WHEN kind = '{GrowthEntry.Kind.ORDER}' THEN 1 ELSE 0 END) AS orders
                  {grown} GROUP BY member_id) f
            WHERE f.member_id = {_COPY.standings}.member_id
        """)
        _run(f"INSERT INTO {_COPY.entries} SELECT member_id, kind, {day(last)}, delta {grown}")
        self._rise(last)
        self._schedule(last)
        self.pass_until(clock.day_start(end))
        self._rank()
        # A table that is written anew has no dead rows.
        self.save()
        self.restore()

    def _keep_up(self, on: dt.date) -> None:
        """Before growth is added: what halves is brought up to the day, an empty window moves on (F5)."""
        decay = self._law.ladder.decay
        if decay == Ladder.Decay.WINDOW:
            start = day(self._law.reckoned_on(on))
            _run(f"UPDATE {_COPY.standings} SET reckoned_on = {start} WHERE growth = 0")
        if decay != Ladder.Decay.HALF_LIFE:
            return
        for (value,) in _rows(f"SELECT DISTINCT reckoned_on FROM {_COPY.standings} WHERE reckoned_on < {day(on)}"):
            parts = self._law.fading((on - _day(value)).days)
            _run(f"""
                UPDATE {_COPY.standings}
                SET growth = growth / {PARTS} * {parts} + growth % {PARTS} * {parts} / {PARTS}, reckoned_on = {day(on)}
                WHERE reckoned_on = {day(_day(value))}
            """)

    def _rise(self, on: dt.date) -> None:
        """Who reached a higher threshold rises at once."""
        if self._law.ladder.by_rank:
            return
        for step in self._law.steps:
            below = ", ".join(str(tier) for tier, rank in self._ranks.items() if rank < step.rank) or "NULL"
            _run(f"""
                UPDATE {_COPY.standings}
                SET tier_id = {step.tier.pk:d}, tier_until = {instant(self._law.valid_until(step, on))}, in_grace = false
                WHERE growth >= {step.threshold:d} AND override_until IS NULL AND (tier_id IS NULL OR tier_id IN ({below}))
                  AND ({"ordered_at IS NOT NULL" if step.needs_order else "true"})
            """)

    def _rank(self) -> None:
        """On a ladder by rank the lines are drawn on the first of each month (F4)."""
        if not self._law.ladder.by_rank:
            return
        room = ranking.places(self._law, _COPY)
        if self._law.ladder.line == Ladder.Line.TOP:
            room = {rank: size // self._every for rank, size in room.items()}
        self._write(judgement.ranking(self._law, room, _COPY))

    def _schedule(self, on: dt.date) -> None:
        """When time changes something next for each member, as CompiledLadder.due_at says."""
        least = "LEAST" if connection.vendor == "postgresql" else "min"
        far, decay = instant(_FAR), instant(self._law.decays_at(on))
        fades = f"CASE WHEN growth > 0 THEN COALESCE({decay}, {far}) ELSE {far} END"
        due = f"NULLIF({least}(COALESCE(override_until, tier_until, {far}), {fades}), {far})"
        _run(f"""
            UPDATE {_COPY.standings}
            SET due_at = {due} WHERE due_at IS DISTINCT FROM {due}
        """)

    def _write(self, judged: str, tables: Tables = _COPY, *, once: bool = False) -> None:
        """Put down on the copy what was judged."""
        settled = "CASE WHEN judged.reviewed AND NOT judged.in_grace THEN NULL ELSE judged.due_at END"
        _run(f"""
            WITH {judged}
            UPDATE {tables.standings}
            SET growth = judged.left_growth, tier_id = judged.tier_after, tier_until = judged.until_at,
                in_grace = judged.in_grace, override_until = judged.override_until, reckoned_on = judged.reckoned_on,
                due_at = {settled if once else "judged.due_at"}
            FROM judged WHERE judged.member_id = {tables.standings}.member_id
        """)

    # Counts ---------------------------------------------------------------------------------------------------

    def moves(self) -> Matrix:
        """How many members went from where they really stand to where they stand on the copy."""
        rows = _rows(f"""
            SELECT s.tier_id, c.tier_id, count(*) FROM {_COPY.standings} c
            JOIN loyalty_standing s ON s.member_id = c.member_id GROUP BY s.tier_id, c.tier_id
        """)
        return {(before, after): count for before, after, count in rows}

    def pyramid(self) -> Pyramid:
        """How many members stand on each tier of the copy."""
        return Counter(dict(_rows(f"SELECT tier_id, count(*) FROM {_COPY.standings} GROUP BY tier_id")))

    def verdicts(self) -> list[Verdict]:
        """What became of each member of the copy."""
        rows = _rows(f"""
            SELECT s.member_id, m.external_id, s.tier_id, c.tier_id, s.growth, c.growth, c.in_grace,
                   COALESCE(s.tier_until, s.override_until)
            FROM {_COPY.standings} c JOIN loyalty_standing s ON s.member_id = c.member_id
            JOIN members_member m ON m.id = s.member_id ORDER BY s.growth DESC, s.member_id
        """)
        return [
            Verdict(member, name, before, after, growth, left, bool(grace), _instant(at))
            for member, name, before, after, growth, left, grace, at in rows
        ]


# SQL as rows ----------------------------------------------------------------------------------------------------


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _rows(statement: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def _value(statement: str):
    return _rows(statement)[0][0]


def _when(statement: str) -> dt.datetime | None:
    value = _value(statement)
    return None if value is None else _instant(value)


def _instant(value: dt.datetime | str) -> dt.datetime:
    """SQLite keeps instants as text in UTC."""
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    return value if value.tzinfo else value.replace(tzinfo=dt.UTC)


def _day(value: dt.date | str) -> dt.date:
    return dt.date.fromisoformat(value) if isinstance(value, str) else value
