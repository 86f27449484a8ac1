"""Nightly expiry of one due lot for every second member, against one hand-written statement for all of them."""

from __future__ import annotations

import time

from django.db import connection

from benchmarks import databases, worlds
from benchmarks.results import Result
from loyalty.models import Draw
from loyalty.services import expiring

# Locks, entry, draw, fact, balance and lot of every due lot: the same rows in the same tables, in one statement.
_FLOOR = """
WITH due AS MATERIALIZED (
    SELECT id, account_id, lot_seq, remaining FROM loyalty_lot WHERE is_open AND expires_at <= %(at)s
), total AS MATERIALIZED (
    SELECT account_id, sum(remaining)::bigint AS points FROM due GROUP BY account_id
), account AS (
    UPDATE loyalty_account a SET available = a.available - t.points, version = a.version + 1
    FROM total t WHERE a.id = t.account_id
    RETURNING a.id, a.available, a.version, t.points
), entry AS (
    INSERT INTO loyalty_entry (account_id, seq, unit, kind, delta, balance_after, contra, reference, posted_on, at)
    SELECT id, version, 'points', 'expire', -points, available, 'expired', 'floor', '2026-03-01', %(at)s FROM account
), draw AS (
    INSERT INTO loyalty_draw (account_id, seq, lot_seq, points)
    SELECT d.account_id, a.version, d.lot_seq, d.remaining FROM due d JOIN account a ON a.id = d.account_id
), fact AS (
    INSERT INTO common_fact (uuid, topic, key, payload, at)
    SELECT gen_random_uuid(), 'points.expired', m.external_id,
           jsonb_build_object('points', a.points, 'reference', 'floor'), %(at)s
    FROM account a JOIN loyalty_wallet w ON w.account_id = a.id JOIN members_member m ON m.id = w.member_id
)
UPDATE loyalty_lot l SET remaining = 0, is_open = false FROM due WHERE l.id = due.id
"""


def measure(server: str, database: str) -> Result:
    """Expire all due lots twice, by hand and by the job, each on its own fresh copy of `database`."""
    with databases.clone(server, database):
        floor, lots = _by_hand()
    with databases.clone(server, database):
        ours, expired = _by_job()
    if expired != lots:
        raise RuntimeError(f"the job expired {expired} lots, the floor {lots}")
    return Result("expiry of due lots", lots, "lot", ours, floor, aim=1.5)


def _by_hand() -> tuple[float, int]:
    with connection.cursor() as cursor:
        started = time.perf_counter()
        cursor.execute(_FLOOR, {"at": worlds.NOW})
        return time.perf_counter() - started, cursor.rowcount


def _by_job() -> tuple[float, int]:
    started = time.perf_counter()
    expiring.expire(worlds.NOW, worlds.NOW)
    return time.perf_counter() - started, Draw.objects.count()
