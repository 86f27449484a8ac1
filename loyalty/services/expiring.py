"""The nightly expiry of due lots, set-based: a thousand accounts a transaction, one statement on PostgreSQL.

A lot cannot be spent from its `expires_at` on, whether this job has run or not; the job books what time has decided.
Points in open holds have left their lots already, so it does not touch them (domain.md E62).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db import connection
from django.db.models import QuerySet

from common import clock
from common.models import JobRun, Staff
from common.services import jobs
from loyalty.models.accounts import Account
from loyalty.models.lots import Lot
from loyalty.selectors import spans

JOB = "expire-points"

# What is due, and the one entry each account and balance gets for it: numbered on from the account's version.
_DUE = """
due AS (
    SELECT id, account_id, lot_seq, remaining, is_pending
    FROM loyalty_lot
    WHERE is_open AND expires_at <= %(as_of)s AND account_id IN ({accounts})
),
posting AS (
    SELECT s.account_id, s.is_pending, s.points,
           a.version + row_number() OVER (PARTITION BY s.account_id ORDER BY s.is_pending) AS seq,
           CASE WHEN s.is_pending THEN a.pending ELSE a.available END - s.points AS balance_after
    FROM (
        SELECT account_id, is_pending, CAST(sum(remaining) AS bigint) AS points
        FROM due GROUP BY account_id, is_pending
    ) s
    JOIN loyalty_account a ON a.id = s.account_id
),
holder AS (
    SELECT account_id, count(*) AS entries, CAST(sum(points) AS bigint) AS points,
           CAST(sum(CASE WHEN is_pending THEN points ELSE 0 END) AS bigint) AS pending
    FROM posting GROUP BY account_id
)
"""

_COUNT = "SELECT (SELECT count(*) FROM due), (SELECT count(*) FROM holder), (SELECT sum(points) FROM holder)"

# In this order each statement still finds what the first two names are computed from; PostgreSQL runs them as one.
_STEPS = (
    """
    INSERT INTO loyalty_entry
        (account_id, seq, unit, kind, delta, balance_after, contra, reference, posted_on, at)
    SELECT account_id, seq, CASE WHEN is_pending THEN 'pending' ELSE 'points' END, 'expire', -points, balance_after,
           'expired', {reference}, {date}, {at}
    FROM posting
    """,
    """
    INSERT INTO loyalty_draw (account_id, seq, lot_seq, points)
    SELECT d.account_id, p.seq, d.lot_seq, d.remaining
    FROM due d JOIN posting p ON p.account_id = d.account_id AND p.is_pending = d.is_pending
    """,
    """
    INSERT INTO common_fact (uuid, topic, key, payload, at)
    SELECT {uuid}, 'points.expired', m.external_id, {json}('points', h.points, 'reference', {reference}), {at}
    FROM holder h
    JOIN loyalty_wallet w ON w.account_id = h.account_id
    JOIN members_member m ON m.id = w.member_id
    """,
    """
    UPDATE loyalty_account
    SET available = available - (h.points - h.pending), pending = loyalty_account.pending - h.pending,
        version = version + h.entries
    FROM holder h WHERE loyalty_account.id = h.account_id
    """,
    """
    UPDATE loyalty_lot SET remaining = 0, is_open = false FROM due WHERE loyalty_lot.id = due.id
    """,
)

_DIALECTS = {
    "postgresql": {
        "uuid": "gen_random_uuid()",
        "json": "jsonb_build_object",
        "date": "%(date)s::date",
        "reference": "%(reference)s::text",
        "at": "%(at)s::timestamptz",
    },
    "sqlite": {
        "uuid": "lower(hex(randomblob(16)))",
        "json": "json_object",
        "date": "%(date)s",
        "reference": "%(reference)s",
        "at": "%(at)s",
    },
}


def expire(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Expire every open lot with expires_at <= `as_of`; entries are dated `at`. Safe to stop, repeat and run twice.

    One entry per account and balance, one draw per lot, one points.expired fact per member and run.
    """
    return jobs.run(
        JOB,
        as_of,
        spans=lambda: spans.of(due(as_of)),
        work=lambda first, last: _expire_span(first, last, as_of, at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def due(as_of: dt.datetime) -> QuerySet[Lot]:
    """The lots that have expired by `as_of` and still stand open, however many nights were missed."""
    return Lot.objects.filter(is_open=True, expires_at__lte=as_of)


def _expire_span(first: int, last: int, as_of: dt.datetime, at: dt.datetime) -> dict[str, int]:
    accounts = _lock(due(as_of).filter(account_id__gte=first, account_id__lte=last))
    if not accounts:
        return {}
    posted_on = clock.local_date(at)
    adapt = connection.ops.adapt_datetimefield_value
    params = {
        "as_of": adapt(as_of),
        "at": adapt(at),
        "date": posted_on.isoformat(),
        "reference": f"job:{JOB}:{clock.local_date(as_of)}",
    }
    with connection.cursor() as cursor:
        counts = _execute(cursor, accounts, params)
    return dict(zip(("lots", "accounts", "points"), map(int, counts), strict=True))


def _lock(lots) -> list[int]:
    """Lock the accounts of `lots` in id order (docs/locking.md); what is due is read only after that."""
    accounts = Account.objects.select_for_update().filter(pk__in=lots.values("account_id"))
    return list(accounts.order_by("pk").values_list("pk", flat=True))


def _execute(cursor, accounts: list[int], params: dict) -> tuple:
    """Run the steps for locked accounts and return what was due: as one statement where the database can."""
    names = _DIALECTS[connection.vendor] | {"accounts": ",".join(map(str, accounts))}
    due_sql = _DUE.format(**names)
    steps = [step.format(**names) for step in _STEPS]
    if connection.vendor == "postgresql":
        parts = "".join(f", step_{number} AS ({step})" for number, step in enumerate(steps))
        cursor.execute(f"WITH {due_sql} {parts} {_COUNT}", params)
        return cursor.fetchone()
    cursor.execute(f"WITH {due_sql} {_COUNT}", params)
    counts = cursor.fetchone()
    for step in steps:
        cursor.execute(f"WITH {due_sql} {step}", params)
    return counts
