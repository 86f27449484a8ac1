"""Counters of risk: locked, read and written for many attempts at once; two statements, however many there are."""

from __future__ import annotations

import datetime as dt
import json
from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Sequence
from typing import NamedTuple

from django.db import connection

from common import sql
from members.models import RiskTally
from members.models.risk_rules import MOST


class Key(NamedTuple):
    """What is counted: so many times, this action, per this member, device …"""

    action: str
    counter: str
    subject: str


KEPT = dt.timedelta(days=30)
"""Instants are kept at least so long, for previews (services/risk_previews.py)."""

LONGEST = dt.timedelta(days=367)
"""Longer than any window."""


def lock(keys: Collection[Key], at: dt.datetime) -> dict[Key, RiskTally]:
    """The counters of these keys, made where they are missing, locked until the transaction ends. One statement.

    Always in the order of the keys, so that two requests never wait for each other.
    """
    if not keys:
        return {}
    quote = connection.ops.quote_name
    table = quote(RiskTally._meta.db_table)
    places = ", ".join(["(%s, %s, %s, %s, %s)"] * len(keys))
    moment = RiskTally._meta.get_field("last_at").get_db_prep_value(at, connection)
    params = [value for key in sorted(keys) for value in (*key, "[]", moment)]
    statement = (
        f"INSERT INTO {table} (action, counter, subject, times, last_at) VALUES {places} "
        f"ON CONFLICT (action, counter, subject) DO UPDATE SET last_at = {table}.last_at "
        "RETURNING id, action, counter, subject, times"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        rows = cursor.fetchall()
    return {
        Key(action, counter, subject): RiskTally(
            pk=pk, action=action, counter=counter, subject=subject, times=json.loads(times), last_at=at
        )
        for pk, action, counter, subject, times in rows
    }


def count(tally: RiskTally, window_minutes: int, at: dt.datetime) -> int:
    """How often in the window that ends at `at`; what is exactly a window old is out of it."""
    now = millis(at)
    return bisect_right(tally.times, now) - bisect_right(tally.times, now - window_minutes * 60_000)


def add(tally: RiskTally, at: dt.datetime) -> None:
    """One more, at `at`, which may be late."""
    insort(tally.times, millis(at))


def save(tallies: Sequence[RiskTally], windows: dict[tuple[str, str], int]) -> None:
    """Write counters back without what is too old for anybody; `windows` are the longest, in minutes. One statement."""
    for tally in tallies:
        longest = max(windows.get((tally.action, tally.counter), 0) * 60_000, int(KEPT.total_seconds()) * 1000)
        tally.times = tally.times[bisect_left(tally.times, tally.times[-1] - longest) :][-MOST:]
        tally.last_at = dt.datetime.fromtimestamp(tally.times[-1] / 1000, dt.UTC)
    if tallies:
        sql.update_rows(tallies, ["times", "last_at"])


def trim(before: dt.datetime) -> int:
    """Forget counters that have rested since `before`. One statement."""
    return RiskTally.objects.filter(last_at__lte=before).delete()[0]


def millis(at: dt.datetime) -> int:
    """An instant as whole milliseconds since 1970, rounded down."""
    return (at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)
