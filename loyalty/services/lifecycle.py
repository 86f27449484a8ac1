"""Where a member stands in the life cycle: SQL over what was bought, for the nightly statistics (domain.md F24).

The state is computed from the whole history and not from yesterday's state: missed nights lose nothing.
"""

from __future__ import annotations

import datetime as dt

from django.db import connection

from common import clock
from loyalty.models import LifecyclePolicy
from loyalty.services import editions

# Of `days` in their `place` of `total`; twice the median, because that of an even number may be half a day: all in integers.
_MEDIAN = """sum(CASE WHEN place = (total + 1) / 2 THEN days ELSE 0 END)
           + sum(CASE WHEN place = (total + 2) / 2 THEN days ELSE 0 END)"""

# `order_day (owner_id, day)` must be named before: the distinct days with an order that was kept.
# A gap leads to its `day`. Who returned is told from the gaps that were usual before the long one.
_GAPS = """
gap AS (
    SELECT owner_id, day, {days} AS days
    FROM (SELECT owner_id, day, lag(day) OVER (PARTITION BY owner_id ORDER BY day) AS before FROM order_day) d
    WHERE before IS NOT NULL
),
usual AS (
    SELECT owner_id,
           {median} AS half_days
    FROM (
        SELECT owner_id, days, row_number() OVER (PARTITION BY owner_id ORDER BY days) AS place,
               count(*) OVER (PARTITION BY owner_id) AS total
        FROM gap
    ) g
    GROUP BY owner_id
),
long_gap AS (
    SELECT owner_id, day, days FROM gap WHERE days > %(lapsed_days)s AND day >= %(returned_from)s
),
usual_before AS (
    SELECT owner_id, day,
           {median} AS half_days
    FROM (
        SELECT l.owner_id, l.day, g.days, row_number() OVER (PARTITION BY l.owner_id, l.day ORDER BY g.days) AS place,
               count(*) OVER (PARTITION BY l.owner_id, l.day) AS total
        FROM long_gap l JOIN gap g ON g.owner_id = l.owner_id AND g.day < l.day
    ) g
    GROUP BY owner_id, day
),
returned AS (
    SELECT DISTINCT l.owner_id
    FROM long_gap l LEFT JOIN usual_before u ON u.owner_id = l.owner_id AND u.day = l.day
    WHERE 2 * l.days > %(lapsed_gaps)s * coalesce(u.half_days, 0)
)
"""

# Over `m` (the member), `p` (what was bought), `u` (usual) and `b` (returned). Lapsed comes before new, so nobody who
# lapsed is new; `idle` is the number of days since the last order.
_STATE = """
CASE
    WHEN p.last_order_on IS NULL AND m.registered_at >= %(new_from_at)s THEN 'new'
    WHEN p.last_order_on IS NULL THEN 'prospect'
    WHEN {idle} > %(lapsed_days)s AND 2 * {idle} > %(lapsed_gaps)s * coalesce(u.half_days, 0) THEN 'lapsed'
    WHEN b.owner_id IS NOT NULL THEN 'returning'
    WHEN p.first_order_on >= %(new_from)s OR m.registered_at >= %(new_from_at)s THEN 'new'
    WHEN {idle} > %(risk_days)s AND 2 * {idle} > %(risk_gaps)s * coalesce(u.half_days, 0) THEN 'at_risk'
    ELSE 'active'
END
"""


_BETWEEN = {
    "postgresql": "({later} - {earlier})",
    "sqlite": "CAST(julianday({later}) - julianday({earlier}) AS integer)",
}


def gaps() -> str:
    """The common table expressions `usual` (half_days of each owner_id) and `returned`, in the database's dialect."""
    return _GAPS.format(median=_MEDIAN, days=_days("day", "before"))


def state(today: str) -> str:
    """The SQL expression for the state on the day `today` (SQL too)."""
    return _STATE.format(idle=_days(today, "p.last_order_on"))


def _days(later: str, earlier: str) -> str:
    return _BETWEEN[connection.vendor].format(later=later, earlier=earlier)


def policy(at: dt.datetime) -> LifecyclePolicy:
    """The policy that counts at an instant; F24's defaults before the first one."""
    return editions.in_force(LifecyclePolicy, at) or LifecyclePolicy()


def limits(policy: LifecyclePolicy, today: dt.date) -> dict[str, int | dt.date | dt.datetime]:
    """The parameters that the SQL above needs on a day."""
    new_from = today - dt.timedelta(days=policy.new_days)
    return {
        "lapsed_days": policy.lapsed_days,
        "lapsed_gaps": policy.lapsed_gaps,
        "risk_days": policy.risk_days,
        "risk_gaps": policy.risk_gaps,
        "new_from": new_from,
        "new_from_at": clock.day_start(new_from),
        "returned_from": today - dt.timedelta(days=policy.returning_days),
    }
