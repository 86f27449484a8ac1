"""What a member has: right at any instant, even when the nightly jobs are late."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from django.db import connection

from common import clock
from loyalty.models import Account

_OPEN = """
SELECT expires_at, available_at, remaining, is_pending, 0 AS lapsed FROM loyalty_lot
 WHERE account_id = %(account)s AND is_open
UNION ALL
SELECT l.expires_at, l.available_at, d.points, l.is_pending, 1 FROM loyalty_hold h
  JOIN loyalty_draw d ON d.account_id = h.account_id AND d.seq = h.seq
  JOIN loyalty_lot l ON l.account_id = d.account_id AND l.lot_seq = d.lot_seq
 WHERE h.account_id = %(account)s AND h.status = 'open' AND h.expires_at <= %(at)s
"""


@dataclass(frozen=True, slots=True)
class Balance:
    """Points of an account at an instant; `expiring` are the spendable ones by the last day on which they can be spent."""

    available: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0
    expiring: list[tuple[dt.date, int]] = field(default_factory=list)


def of(account: Account, at: dt.datetime) -> Balance:
    """The balance of an account that the caller has read (one query more): time counts, not the jobs.

    Lots that are due do not count, lots that became available do, holds that have lapsed are back in their lots.
    """
    with connection.cursor() as cursor:
        adapted = connection.ops.adapt_datetimefield_value(at)
        cursor.execute(_OPEN, {"account": account.pk, "at": adapted})
        rows = cursor.fetchall()
    available = pending = lapsed = 0
    by_day: dict[dt.date, int] = {}
    for expires_at, available_at, points, is_pending, was_held in rows:
        lapsed += points if was_held else 0
        if _instant(expires_at) <= at:
            continue
        if is_pending and _instant(available_at) > at:
            pending += points
            continue
        available += points
        last_day = clock.local_date(_instant(expires_at) - dt.timedelta(microseconds=1))
        by_day[last_day] = by_day.get(last_day, 0) + points
    paid = min(available, account.owed)
    return Balance(available - paid, pending, account.held - lapsed, account.owed - paid, _less(by_day, paid))


def _less(by_day: dict[dt.date, int], paid: int) -> list[tuple[dt.date, int]]:
    """What matured beside a debt repays it first, soonest-expiring first."""
    rest = []
    for day in sorted(by_day):
        points = by_day[day]
        used = min(points, paid)
        paid -= used
        if points > used:
            rest.append((day, points - used))
    return rest


def _instant(value: dt.datetime | str) -> dt.datetime:
    """SQLite hands datetimes over as text when asked in plain SQL."""
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    return value if value.tzinfo else value.replace(tzinfo=dt.UTC)
