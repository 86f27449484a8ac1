"""The nightly count of the pyramid: members, growth, spend and points by tier (domain.md S2-02)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db import connection
from django.db.models import QuerySet

from common import clock
from common.models import JobRun, Staff
from common.services import jobs
from loyalty.models import PyramidDay, Standing
from loyalty.selectors import spans
from loyalty.services.judgement import day
from members.models import Member

JOB = "count-pyramid"
MONTHS = 12
MEMBERS_PER_CHUNK = 20_000

# Everything is added up by member in one pass: nothing here depends on the planner's guess of how large a part is.
_COUNT = """
INSERT INTO loyalty_pyramidday (day, tier_id, members, growth, buyers, cash, points)
SELECT {today}, tier_id, count(*), CAST(sum(growth) AS bigint), count(cash), CAST(COALESCE(sum(cash), 0) AS bigint),
       CAST(COALESCE(sum(points), 0) AS bigint)
FROM (
    SELECT member_id, max(tier_id) AS tier_id, sum(growth) AS growth, sum(cash) AS cash, sum(points) AS points
    FROM (
        SELECT s.member_id, s.tier_id, s.growth, CAST(NULL AS bigint) AS cash, CAST(NULL AS bigint) AS points
        FROM loyalty_standing s JOIN members_member m ON m.id = s.member_id AND m.status = 'active'
        WHERE s.tier_id IS NOT NULL AND s.member_id BETWEEN {first} AND {last}
        UNION ALL
        SELECT o.member_id, NULL, NULL, l.cash - l.refunded_cash, NULL
        FROM loyalty_order o JOIN loyalty_orderline l ON l.order_id = o.id
        WHERE o.status = 'completed' AND o.completed_on >= {since} AND o.completed_on < {today}
          AND o.member_id BETWEEN {first} AND {last}
        UNION ALL
        SELECT w.member_id, NULL, NULL, NULL, e.delta
        FROM loyalty_entry e JOIN loyalty_wallet w ON w.account_id = e.account_id
        WHERE e.contra IN ('issued', 'clawed_back') AND e.unit <> 'debt'
          AND e.posted_on >= {since} AND e.posted_on < {today} AND w.member_id BETWEEN {first} AND {last}
    ) parts
    GROUP BY member_id
) members
WHERE tier_id IS NOT NULL
GROUP BY tier_id
ON CONFLICT (day, tier_id) DO UPDATE
SET members = loyalty_pyramidday.members + excluded.members, growth = loyalty_pyramidday.growth + excluded.growth,
    buyers = loyalty_pyramidday.buyers + excluded.buyers, cash = loyalty_pyramidday.cash + excluded.cash,
    points = loyalty_pyramidday.points + excluded.points
"""


def count(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Count the active members of each tier for the local day of `as_of`, and what they did in the twelve whole months
    of days before it. Safe to stop and to run twice: a chunk adds its members once.

    A run of the same day replaces what an earlier instant of that day had counted.
    """
    return jobs.run(
        JOB,
        as_of,
        spans=lambda: _plan(as_of),
        work=lambda first, last: _count_span(first, last, clock.local_date(as_of)),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def _plan(as_of: dt.datetime) -> list[tuple[int, int]]:
    """Forget what an earlier run of the day has counted, in the transaction that plans this one."""
    PyramidDay.objects.filter(day=clock.local_date(as_of)).delete()
    return spans.of(_standing(), MEMBERS_PER_CHUNK, by="member_id")


def _standing() -> QuerySet[Standing]:
    return Standing.objects.filter(tier__isnull=False, member__status=Member.Status.ACTIVE)


def _count_span(first: int, last: int, today: dt.date) -> dict[str, int]:
    since = clock.months_after(today, -MONTHS)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT.format(today=day(today), since=day(since), first=first, last=last))
    return {"members": _standing().filter(member_id__gte=first, member_id__lte=last).count()}
