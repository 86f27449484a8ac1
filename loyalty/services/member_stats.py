"""The nightly statistics of members: the five criteria, RFM and the life cycle (domain.md F14, F24; S2-03).

Two runs: `measure` counts what each member did, in chunks of members, from the whole history; `grade` cuts the
measured values of all members into quintiles once and then gives each member his classes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.models import Case, F, QuerySet, Value, When

from common import clock
from common.models import JobRun, Staff
from common.services import jobs
from loyalty.models import MemberStats, Quintiles
from loyalty.selectors import spans
from loyalty.services import lifecycle
from members.models import Member

MEASURE = "measure-members"
GRADE = "grade-members"
MEMBERS_PER_CHUNK = 10_000
CLASSES = 5

# Whose deeds are whose: a merged member's are those of the one he was merged into, however long the chain (E58). They are
# few, and read apart: so the orders of the range come by one scan of the index on (member, day).
# A line is `kept` by what is left of its price; an order with nothing left is no order.
_BOUGHT = """
absorbed (owner_id, member_id) AS (
    SELECT merged_into_id, id FROM members_member WHERE merged_into_id BETWEEN %(first)s AND %(last)s
    UNION ALL
    SELECT a.owner_id, m.id FROM absorbed a JOIN members_member m ON m.merged_into_id = a.member_id
),
owned (owner_id, member_id) AS (
    SELECT id, id FROM members_member WHERE id BETWEEN %(first)s AND %(last)s
    UNION ALL
    SELECT owner_id, member_id FROM absorbed
),
placed (owner_id, id, completed_on, channel) AS (
    SELECT member_id, id, completed_on, channel FROM loyalty_order
    WHERE member_id BETWEEN %(first)s AND %(last)s AND status = 'completed' AND completed_on <= %(until)s
    UNION ALL
    SELECT a.owner_id, o.id, o.completed_on, o.channel
    FROM absorbed a JOIN loyalty_order o ON o.member_id = a.member_id
    WHERE o.status = 'completed' AND o.completed_on <= %(until)s
),
line AS (
    SELECT p.owner_id, p.id AS order_id, p.completed_on, p.channel, l.category, l.cash - l.refunded_cash AS cash,
           l.cash + l.points - l.refunded_cash - l.refunded_points AS kept
    FROM placed p JOIN loyalty_orderline l ON l.order_id = p.id
),
bought AS (
    SELECT owner_id, completed_on, count(*) AS lines, sum(cash) AS cash, sum(kept) > 0 AS is_kept,
           completed_on > %(since)s AS is_recent
    FROM line GROUP BY owner_id, order_id, completed_on
),
purchase AS (
    SELECT owner_id, min(completed_on) AS first_order_on,
           max(completed_on) FILTER (WHERE is_kept) AS last_order_on,
           count(*) FILTER (WHERE is_kept AND is_recent) AS orders,
           count(DISTINCT completed_on) FILTER (WHERE is_kept AND is_recent) AS order_days,
           sum(cash) FILTER (WHERE is_recent) AS net_cash,
           sum(lines) FILTER (WHERE is_recent) AS lines
    FROM bought GROUP BY owner_id
),
scene AS (
    SELECT owner_id, count(DISTINCT nullif(channel, '')) AS channels, count(DISTINCT nullif(category, '')) AS categories
    FROM line WHERE kept > 0 GROUP BY owner_id
),
order_day AS (SELECT DISTINCT owner_id, completed_on AS day FROM bought WHERE is_kept)
"""

# Causeless: no reason given, exchanged, refused; a line counts once (F2).
_DID = """
causeless AS (
    SELECT owner_id, count(*) AS lines
    FROM (
        SELECT w.owner_id, p.line_id
        FROM owned w
        JOIN loyalty_order o ON o.member_id = w.member_id
        JOIN loyalty_refund r ON r.order_id = o.id
        JOIN loyalty_refundline p ON p.refund_id = r.id
        WHERE r.reason IN ('no_reason', 'exchange', 'refused') AND r.at >= %(since_at)s AND r.at < %(as_of)s
        UNION
        SELECT w.owner_id, l.id
        FROM owned w
        JOIN loyalty_deliveryrefusal d ON d.member_id = w.member_id
        JOIN loyalty_orderline l ON l.order_id = d.order_id
        WHERE d.day > %(since)s AND d.day <= %(until)s
    ) returned_line
    GROUP BY owner_id
),
review AS (
    SELECT w.owner_id, count(*) AS reviews, count(*) FILTER (WHERE v.photos > 0) AS photo_reviews
    FROM owned w JOIN loyalty_review v ON v.member_id = w.member_id
    WHERE v.status = 'approved' AND v.approved_at >= %(since_at)s AND v.approved_at < %(as_of)s
    GROUP BY w.owner_id
),
login AS (
    SELECT w.owner_id, count(DISTINCT a.day) AS days
    FROM owned w JOIN loyalty_activity a ON a.member_id = w.member_id AND a.kind = 'login'
    WHERE a.day > %(since)s AND a.day <= %(until)s
    GROUP BY w.owner_id
)
"""

# In the order of the SELECT below.
_MEASURED = (
    "first_order_on", "last_order_on", "orders_12m", "order_days_12m", "net_cash_12m", "lines_12m", "causeless_12m",
    "reviews_12m", "photo_reviews_12m", "login_days_12m", "median_gap_half_days", "channels", "categories",
)  # fmt: skip

# A run for an earlier night that goes on late does not undo what a later one found.
_MEASURE = """
INSERT INTO loyalty_memberstats
    (member_id, measured_at, {columns}, lifecycle, lifecycle_since, lifecycle_before)
WITH RECURSIVE {bought}, {gaps}, {did}
SELECT m.id, {as_of}, p.first_order_on, p.last_order_on, coalesce(p.orders, 0), coalesce(p.order_days, 0),
       coalesce(p.net_cash, 0), coalesce(p.lines, 0), coalesce(c.lines, 0), coalesce(v.reviews, 0),
       coalesce(v.photo_reviews, 0), coalesce(a.days, 0), coalesce(u.half_days, 0), coalesce(s.channels, 0),
       coalesce(s.categories, 0), {state}, {as_of}, ''
FROM members_member m
LEFT JOIN purchase p ON p.owner_id = m.id
LEFT JOIN scene s ON s.owner_id = m.id
LEFT JOIN usual u ON u.owner_id = m.id
LEFT JOIN returned b ON b.owner_id = m.id
LEFT JOIN causeless c ON c.owner_id = m.id
LEFT JOIN review v ON v.owner_id = m.id
LEFT JOIN login a ON a.owner_id = m.id
WHERE m.id BETWEEN %(first)s AND %(last)s AND m.status = 'active'
ON CONFLICT (member_id) DO UPDATE SET
    {updates},
    measured_at = excluded.measured_at,
    r = CASE WHEN excluded.last_order_on IS NULL THEN NULL ELSE loyalty_memberstats.r END,
    f = CASE WHEN excluded.last_order_on IS NULL THEN NULL ELSE loyalty_memberstats.f END,
    m = CASE WHEN excluded.last_order_on IS NULL THEN NULL ELSE loyalty_memberstats.m END,
    lifecycle = excluded.lifecycle,
    lifecycle_since = CASE WHEN excluded.lifecycle = loyalty_memberstats.lifecycle
        THEN loyalty_memberstats.lifecycle_since ELSE excluded.lifecycle_since END,
    lifecycle_before = CASE WHEN excluded.lifecycle = loyalty_memberstats.lifecycle
        THEN loyalty_memberstats.lifecycle_before ELSE loyalty_memberstats.lifecycle END
WHERE loyalty_memberstats.measured_at < excluded.measured_at
"""

# Whose state began with this run; a member's very first state is told by member.registered.
_TELL = """
INSERT INTO common_fact (uuid, topic, key, payload, at)
SELECT {uuid}, 'lifecycle.changed', m.external_id, {json}('before', s.lifecycle_before, 'after', s.lifecycle), {at}
FROM loyalty_memberstats s JOIN members_member m ON m.id = s.member_id
WHERE s.member_id BETWEEN %(first)s AND %(last)s AND s.lifecycle_since = {as_of} AND s.lifecycle_before <> ''
"""

_DIALECTS = {
    "postgresql": {
        "uuid": "gen_random_uuid()",
        "json": "jsonb_build_object",
        "at": "%(at)s::timestamptz",
        "as_of": "%(as_of)s::timestamptz",
        "today": "%(today)s::date",
    },
    "sqlite": {
        "uuid": "lower(hex(randomblob(16)))",
        "json": "json_object",
        "at": "%(at)s",
        "as_of": "%(as_of)s",
        "today": "%(today)s",
    },
}

# Of each value how many members have it or less: the cut of class k is the least value that k fifths reach.
_CUTS = """
WITH counted AS (
    SELECT {column} AS value, count(*) AS members FROM loyalty_memberstats WHERE last_order_on IS NOT NULL GROUP BY 1
),
reached AS (SELECT value, sum(members) OVER (ORDER BY value) AS members FROM counted)
SELECT min(CASE WHEN members * 5 >= %(members)s THEN value END), min(CASE WHEN members * 5 >= %(members)s * 2 THEN value END),
       min(CASE WHEN members * 5 >= %(members)s * 3 THEN value END), min(CASE WHEN members * 5 >= %(members)s * 4 THEN value END)
FROM reached
"""


def measure(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Count every active member's history up to `as_of`, then grade; `lifecycle.changed` is published at `at`.

    `as_of` is the start of a local day; the day itself is not looked at. Safe to stop, repeat and run twice.
    """
    run = jobs.run(
        MEASURE,
        as_of,
        spans=lambda: spans.of(Member.objects.all(), MEMBERS_PER_CHUNK, by="id"),
        work=lambda first, last: _measure_span(first, last, as_of, at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )
    grade(as_of, at, requested_by=requested_by)
    return run


def grade(as_of: dt.datetime, at: dt.datetime, *, requested_by: Staff | None = None) -> JobRun:
    """Give every measured member who ordered his quintiles. The cuts are made once a run, so that its chunks agree."""
    return jobs.run(
        GRADE,
        as_of,
        spans=lambda: _cut(as_of),
        work=lambda first, last: _grade_span(first, last, as_of),
        at=at,
        requested_by=requested_by,
    )


def _measure_span(first: int, last: int, as_of: dt.datetime, at: dt.datetime) -> dict[str, int]:
    today = clock.local_date(as_of)
    until = today - dt.timedelta(days=1)
    since = clock.months_after(until, -12)
    params: dict[str, Any] = {
        "first": first,
        "last": last,
        "as_of": as_of,
        "at": at,
        "today": today,
        "until": until,
        "since": since,
        "since_at": clock.day_end(since),
        **lifecycle.limits(lifecycle.policy(as_of), today),
    }
    names = _DIALECTS[connection.vendor]
    text = _MEASURE.format(
        bought=_BOUGHT,
        gaps=lifecycle.gaps(),
        did=_DID,
        state=lifecycle.state(names["today"]),
        columns=", ".join(_MEASURED),
        updates=", ".join(f"{name} = excluded.{name}" for name in _MEASURED),
        **names,
    )
    gone, _per_model = MemberStats.objects.filter(member__in=_inactive(first, last)).delete()
    with connection.cursor() as cursor:
        cursor.execute(text, _adapted(params))
        measured = cursor.rowcount
        cursor.execute(_TELL.format(**names), _adapted(params))
        return {"members": measured, "life_cycles_changed": cursor.rowcount, "removed": gone}


def _inactive(first: int, last: int) -> QuerySet[Member]:
    return Member.objects.filter(pk__range=(first, last)).exclude(status=Member.Status.ACTIVE)


def _adapted(params: dict[str, Any]) -> dict[str, Any]:
    """Instants and days as the database's driver takes them."""
    adapt = {dt.datetime: connection.ops.adapt_datetimefield_value, dt.date: connection.ops.adapt_datefield_value}
    return {name: adapt.get(type(value), lambda same: same)(value) for name, value in params.items()}


def _graded() -> QuerySet[MemberStats]:
    return MemberStats.objects.filter(last_order_on__isnull=False)


def _cut(as_of: dt.datetime) -> list[tuple[int, int]]:
    """Cut the measured values of all members into fifths and keep the cuts; the ranges of members to be graded."""
    members = _graded().count()
    Quintiles.objects.update_or_create(
        as_of=as_of,
        defaults={
            "members": members,
            "recency": _fifths("last_order_on", members),
            "frequency": _fifths("order_days_12m", members),
            "money": _fifths("net_cash_12m", members),
        },
    )
    return spans.of(_graded(), MEMBERS_PER_CHUNK, by="member_id")


def _fifths(column: str, members: int) -> list:
    """The values above which the classes 2 to 5 begin; days as text."""
    with connection.cursor() as cursor:
        cursor.execute(_CUTS.format(column=column), {"members": members})
        values = cursor.fetchone()
    return [str(value) if column == "last_order_on" else value for value in values]


def _grade_span(first: int, last: int, as_of: dt.datetime) -> dict[str, int]:
    """Only those whose class changes are written."""
    cuts = Quintiles.objects.get(as_of=as_of)
    classes = {
        "r": _class("last_order_on", cuts.recency),
        "f": _class("order_days_12m", cuts.frequency),
        "m": _class("net_cash_12m", cuts.money),
    }
    rows = (
        _graded()
        .filter(member__gte=first, member__lte=last)
        .alias(**{f"new_{name}": to for name, to in classes.items()})
    )
    changed = rows.exclude(r=F("new_r"), f=F("new_f"), m=F("new_m")).update(**classes)
    return {"members": changed}


def _class(column: str, cuts: list) -> Case:
    """1 + the number of cuts that the value lies above."""
    steps = [When(**{f"{column}__gt": cut}, then=Value(place + 2)) for place, cut in enumerate(cuts)]
    return Case(*reversed(steps), default=Value(1))
