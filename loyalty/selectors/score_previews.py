"""What a draft would make of real members' scores, beside the policy in force. Nothing is saved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from common import clock
from loyalty.models import ScoreThreshold
from loyalty.selectors import score_buckets, score_sums
from loyalty.selectors import score_windows as windows
from loyalty.selectors.score_dialect import among
from loyalty.selectors.score_dialect import day as literal
from loyalty.selectors.score_policies import ScoreRules

SAMPLE = 2000
_NAMED = 10
_BARS = 10

_EVERY = """
    SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM members_member WHERE status = 'active') numbered
    WHERE place %% (1 + (SELECT count(*) FROM members_member WHERE status = 'active') / %s) = 0 OR place = 1
"""


@dataclass(frozen=True)
class Change:
    """One member's score by the policy in force and by the draft."""

    member_id: int
    before: int
    after: int

    @property
    def difference(self) -> int:
        return self.after - self.before


@dataclass(frozen=True)
class Bar:
    """Members whose score lies in [first, end)."""

    first: int
    end: int
    before: int
    after: int


@dataclass(frozen=True)
class Preview:
    """The sample, member by member."""

    changes: Sequence[Change]

    def bars(self) -> list[Bar]:
        """The distribution before and after, in ten equal steps."""
        values = [value for change in self.changes for value in (change.before, change.after)]
        if not values:
            return []
        lowest = min(values)
        step = (max(values) - lowest) // _BARS + 1
        edges = [(lowest + number * step, lowest + (number + 1) * step) for number in range(_BARS)]
        return [
            Bar(
                first,
                end,
                sum(first <= change.before < end for change in self.changes),
                sum(first <= change.after < end for change in self.changes),
            )
            for first, end in edges
        ]

    def lines(self) -> list[tuple[ScoreThreshold, int, int]]:
        """How many meet each threshold, before and after."""
        return [
            (
                line,
                sum(line.is_met_by(change.before) for change in self.changes),
                sum(line.is_met_by(change.after) for change in self.changes),
            )
            for line in ScoreThreshold.objects.all()
        ]

    def winners(self) -> list[Change]:
        """Who gains most."""
        rising = [change for change in self.changes if change.difference > 0]
        return sorted(rising, key=lambda change: (-change.difference, change.member_id))[:_NAMED]

    def losers(self) -> list[Change]:
        """Who loses most."""
        falling = [change for change in self.changes if change.difference < 0]
        return sorted(falling, key=lambda change: (change.difference, change.member_id))[:_NAMED]


def compare(draft: ScoreRules, current: ScoreRules | None, as_of: dt.datetime) -> Preview:
    """The provisional scores of up to SAMPLE active members, spread evenly, counted from what they did; three queries."""
    with connection.cursor() as cursor:
        cursor.execute(_EVERY, [SAMPLE])
        members = [member_id for (member_id,) in cursor.fetchall()]
    before = scores(current, members, as_of) if current else {}
    after = scores(draft, members, as_of)
    return Preview([Change(member_id, before.get(member_id, 0), after[member_id]) for member_id in members])


def scores(rules: ScoreRules, members: Sequence[int], as_of: dt.datetime) -> dict[int, int]:
    """The provisional scores of some members by any policy, straight from what they did; one query."""
    window = windows.provisional(clock.local_date(as_of))
    first, end = literal(window.first), literal(window.end)
    last = literal(window.end - dt.timedelta(days=1))
    asked = f"SELECT id, {first}, {last} FROM members_member WHERE {among('id', members)}"
    state, parameters = score_sums.live_state(rules, among("m.id", members), as_of)
    buckets = f"""SELECT member_id, source_id, month, day, category, store_code, value FROM fresh
                  WHERE day >= {first} AND day < {end}"""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH RECURSIVE {score_buckets.counting(rules, asked, first)},
                {score_sums.summing(rules, buckets=buckets, state=state)}
                SELECT member_id, value FROM scored""",
            score_buckets.parameters(rules) | parameters,
        )
        return dict(cursor.fetchall())
