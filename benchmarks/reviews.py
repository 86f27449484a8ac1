"""Nightly tier review of members who are all due, against one hand-written statement for all of them."""

from __future__ import annotations

import time

from django.db import connection

from benchmarks import databases, worlds
from benchmarks.results import Result
from loyalty.models import GrowthEntry, TierChange
from loyalty.services import tiers

# Locks, deduction, tier, entry, change and fact of everybody: the same rows in the same tables, in one statement.
_FLOOR = """
WITH due AS MATERIALIZED (
    SELECT s.member_id, s.growth, s.version, greatest(s.growth - 100000, 0) AS after, s.tier_id
    FROM loyalty_standing s JOIN loyalty_wallet w USING (member_id) JOIN loyalty_account a ON a.id = w.account_id
    WHERE s.due_at <= %(at)s FOR UPDATE OF a
), falls AS MATERIALIZED (
    SELECT due.*, after < 200000 AS falls,
           CASE WHEN after < 200000 THEN (SELECT id FROM loyalty_tier WHERE code = 'bronze') ELSE tier_id END AS tier_after
    FROM due
), entry AS (
    INSERT INTO loyalty_growthentry
        (member_id, seq, kind, criterion, base, percent, asked, delta, balance_after, occurred_on, at, reference, ladder_id)
    SELECT member_id, version + 1, 'deduction', 'time', 0, 100, -100000, after - growth, after,
           (%(at)s AT TIME ZONE 'Asia/Shanghai')::date, %(at)s, 'floor', (SELECT max(id) FROM loyalty_ladder)
    FROM falls
), change AS (
    INSERT INTO loyalty_tierchange
        (member_id, before_id, after_id, reason, growth, at, is_provisional, ladder_id, reference, note)
    SELECT member_id, tier_id, tier_after, 'review', after, %(at)s, false, (SELECT max(id) FROM loyalty_ladder), 'floor', ''
    FROM falls WHERE falls
), fact AS (
    INSERT INTO common_fact (uuid, topic, key, payload, at)
    SELECT gen_random_uuid(), 'tier.changed', m.external_id,
           jsonb_build_object('before', 'silver', 'after', 'bronze', 'reason', 'review', 'growth', after / 100, 'until', null),
           %(at)s
    FROM falls JOIN members_member m ON m.id = falls.member_id WHERE falls
)
UPDATE loyalty_standing s
SET growth = after, version = s.version + 1, tier_id = tier_after,
    tier_until = CASE WHEN falls THEN NULL ELSE s.tier_until + interval '1 year' END,
    due_at = CASE WHEN falls THEN NULL ELSE s.due_at + interval '1 year' END
FROM falls WHERE falls.member_id = s.member_id
"""


def measure(server: str, database: str) -> Result:
    """Review everybody twice, by hand and by the job, each on its own fresh copy of `database`."""
    with databases.clone(server, database):
        floor, written = _by_hand()
    with databases.clone(server, database):
        ours, reviewed = _by_job()
    if reviewed != written:
        raise RuntimeError(f"the job wrote {reviewed} entries and changes, the floor {written}")
    return Result("tier review", written[0] // 2, "member", ours, floor, aim=1.5)


def _by_hand() -> tuple[float, tuple[int, int]]:
    with connection.cursor() as cursor:
        started = time.perf_counter()
        cursor.execute(_FLOOR, {"at": worlds.REVIEW})
        return time.perf_counter() - started, _written()


def _by_job() -> tuple[float, tuple[int, int]]:
    started = time.perf_counter()
    tiers.review(worlds.REVIEW, worlds.REVIEW)
    return time.perf_counter() - started, _written()


def _written() -> tuple[int, int]:
    return GrowthEntry.objects.count(), TierChange.objects.count()
