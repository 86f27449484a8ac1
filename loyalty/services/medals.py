"""The monthly award of status medals, set-based: scores first, then the line of each level, then who rose and fell.

A member's score counts what she did herself and what members did who were merged into her (domain.md F18, E58). Members who
have left have none, so they take no place from anybody (E50). What an operator changes counts from the next month.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db import connection
from django.db.models import Count, F, Q

from common import clock
from common.models import JobRun, Staff
from common.services import jobs
from loyalty.models import MedalAward, MedalStanding
from loyalty.selectors import spans
from loyalty.selectors.medals import MONTHS
from members.models import Member

SCORES = "score-medals"
JOB = "award-medals"

# Each row of `counted` is one member's share in one medal from one source. Instants decide what came first.
_SCORE = """
INSERT INTO loyalty_medalstanding (member_id, medal_id, money, orders, days, pieces, score, reached_at, as_of)
WITH RECURSIVE person (id, external_id, owner_id) AS (
    SELECT id, external_id, id FROM members_member
    WHERE id BETWEEN %(first)s AND %(last)s AND status = 'active'
    UNION ALL
    SELECT m.id, m.external_id, p.owner_id FROM members_member m JOIN person p ON m.merged_into_id = p.id
),
review AS (
    SELECT p.owner_id, r.order_line_id, r.photos, r.approved_at
    FROM person p JOIN loyalty_review r ON r.member_id = p.id
    WHERE r.status = 'approved' AND r.approved_at >= {begin} AND r.approved_at < {end}
),
counted (member_id, medal_id, money, orders, days, pieces, at) AS (
    SELECT p.owner_id, c.medal_id, sum(l.cash - l.refunded_cash), count(DISTINCT o.id),
           count(DISTINCT o.completed_on), 0, max(o.completed_at)
    FROM person p
    JOIN loyalty_order o ON o.member_id = p.id
    JOIN loyalty_orderline l ON l.order_id = o.id
    JOIN loyalty_medalcategory c ON c.category = l.category
    WHERE o.status = 'completed' AND o.completed_on >= {begin_day} AND o.completed_on < {end_day}
      AND l.cash > l.refunded_cash
    GROUP BY p.owner_id, c.medal_id
    UNION ALL
    SELECT r.owner_id, c.medal_id, 0, 0, 0, count(*), max(r.approved_at)
    FROM review r
    JOIN loyalty_orderline l ON l.id = r.order_line_id
    JOIN loyalty_medalcategory c ON c.category = l.category
    GROUP BY r.owner_id, c.medal_id
    UNION ALL
    SELECT r.owner_id, m.id, 0, 0, 0, count(*), max(r.approved_at)
    FROM review r
    JOIN loyalty_medal m ON m.behaviour = 'review' OR (m.behaviour = 'photo_review' AND r.photos > 0)
    GROUP BY r.owner_id, m.id
    UNION ALL
    SELECT p.owner_id, m.id, 0, 0, 0, count(DISTINCT a.day), max(a.at)
    FROM person p
    JOIN loyalty_activity a ON a.member_id = p.id AND a.kind = 'share'
    JOIN loyalty_medal m ON m.behaviour = 'share'
    WHERE a.day >= {begin_day} AND a.day < {end_day}
    GROUP BY p.owner_id, m.id
    UNION ALL
    SELECT p.owner_id, m.id, 0, 0, 0, count(*), max(e.time)
    FROM person p
    JOIN common_inboxevent e ON e.subject = p.external_id AND e.status = 'applied'
    JOIN loyalty_customeventtype t ON t.name = e.type
    JOIN loyalty_medal m ON m.event_type_id = t.id
    WHERE e.time >= {begin} AND e.time < {end}
    GROUP BY p.owner_id, m.id
),
summed AS (
    SELECT member_id, medal_id, CAST(sum(money) AS bigint) AS money, CAST(sum(orders) AS bigint) AS orders,
           CAST(sum(days) AS bigint) AS days, CAST(sum(pieces) AS bigint) AS pieces, max(at) AS at
    FROM counted GROUP BY member_id, medal_id
)
SELECT s.member_id, s.medal_id, s.money, s.orders, s.days, s.pieces,
       s.money * m.per_money / m.money_unit + s.days * m.per_day + s.pieces * m.per_content, s.at, {end_day}
FROM summed s JOIN loyalty_medal m ON m.id = s.medal_id
WHERE m.is_active
ON CONFLICT (member_id, medal_id) DO UPDATE
SET money = excluded.money, orders = excluded.orders, days = excluded.days, pieces = excluded.pieces,
    score = excluded.score, reached_at = excluded.reached_at, as_of = excluded.as_of
WHERE loyalty_medalstanding.as_of < excluded.as_of
"""

# The line of a share is the member at the last of its places (none if the share is of too few); of a score, the score.
_CUT = """
INSERT INTO loyalty_medalcut (level_id, as_of, score, reached_at, member_id, places, eligible)
WITH ranked AS (
    SELECT medal_id, score, reached_at, member_id,
           row_number() OVER (PARTITION BY medal_id ORDER BY score DESC, reached_at, member_id) AS place
    FROM loyalty_medalstanding
    WHERE as_of = {end_day} AND score > 0
      AND medal_id IN (SELECT medal_id FROM loyalty_medallevel WHERE share_permille IS NOT NULL)
),
share AS (
    SELECT l.id, l.medal_id, count(r.place) AS eligible, count(r.place) * l.share_permille / 1000 AS places
    FROM loyalty_medallevel l
    JOIN loyalty_medal m ON m.id = l.medal_id AND m.is_active
    LEFT JOIN ranked r ON r.medal_id = l.medal_id
    WHERE l.share_permille IS NOT NULL
    GROUP BY l.id, l.medal_id, l.share_permille
)
SELECT s.id, {end_day}, r.score, r.reached_at, r.member_id, s.places, s.eligible
FROM share s LEFT JOIN ranked r ON r.medal_id = s.medal_id AND r.place = s.places
UNION ALL
SELECT l.id, {end_day}, l.score, NULL, NULL, NULL, NULL
FROM loyalty_medallevel l JOIN loyalty_medal m ON m.id = l.medal_id AND m.is_active
WHERE l.score IS NOT NULL
ON CONFLICT DO NOTHING
"""

# In this order: who changed level, from what the standings still say; then what follows from the awards. Held is the
# highest level whose line, and those of all levels below it, the member has reached.
_AWARD = (
    """
    INSERT INTO loyalty_medalaward (member_id, medal_id, before_id, after_id, score, as_of, at)
    WITH judged AS (
        SELECT s.member_id, s.medal_id, s.level_id AS before_id, s.score, l.id AS line_id, l.number,
               min(CASE WHEN s.score > c.score OR (s.score = c.score AND (
                       c.member_id IS NULL
                       OR s.reached_at < c.reached_at
                       OR (s.reached_at = c.reached_at AND s.member_id <= c.member_id)
                   )) THEN 1 ELSE 0 END) OVER (PARTITION BY s.member_id, s.medal_id ORDER BY l.number) AS reached
        FROM loyalty_medalstanding s
        JOIN loyalty_medal m ON m.id = s.medal_id AND m.is_active
        JOIN loyalty_medallevel l ON l.medal_id = s.medal_id
        JOIN loyalty_medalcut c ON c.level_id = l.id AND c.as_of = {end_day}
        WHERE s.member_id BETWEEN %(first)s AND %(last)s AND s.as_of = {end_day}
    ),
    held AS (
        SELECT member_id, medal_id, before_id, score, CASE WHEN reached = 1 THEN line_id END AS after_id,
               row_number() OVER (PARTITION BY member_id, medal_id ORDER BY reached DESC, number DESC) AS place
        FROM judged
    )
    SELECT member_id, medal_id, before_id, after_id, score, {end_day}, {at}
    FROM held WHERE place = 1 AND before_id IS DISTINCT FROM after_id
    """,
    """
    INSERT INTO common_fact (uuid, topic, key, payload, at)
    SELECT {uuid}, CASE WHEN coalesce(a.number, 0) > coalesce(b.number, 0) THEN 'medal.awarded' ELSE 'medal.lost' END,
           p.external_id,
           {json}('medal', m.code, 'before', coalesce(b.number, 0), 'after', coalesce(a.number, 0), 'score', w.score),
           {at}
    FROM loyalty_medalaward w
    JOIN members_member p ON p.id = w.member_id AND p.status = 'active'
    JOIN loyalty_medal m ON m.id = w.medal_id
    LEFT JOIN loyalty_medallevel b ON b.id = w.before_id
    LEFT JOIN loyalty_medallevel a ON a.id = w.after_id
    WHERE w.as_of = {end_day} AND w.member_id BETWEEN %(first)s AND %(last)s
    """,
    """
    UPDATE loyalty_medalstanding
    SET level_id = w.after_id, since = CASE WHEN w.after_id IS NULL THEN NULL ELSE w.at END
    FROM loyalty_medalaward w
    WHERE w.member_id = loyalty_medalstanding.member_id AND w.medal_id = loyalty_medalstanding.medal_id
      AND w.as_of = {end_day} AND w.member_id BETWEEN %(first)s AND %(last)s
    """,
)

_DIALECTS = {
    "postgresql": {
        "uuid": "gen_random_uuid()",
        "json": "jsonb_build_object",
        "at": "%(at)s::timestamptz",
        "begin": "%(begin)s::timestamptz",
        "end": "%(end)s::timestamptz",
        "begin_day": "%(begin_day)s::date",
        "end_day": "%(end_day)s::date",
    },
    "sqlite": {
        "uuid": "lower(hex(randomblob(16)))",
        "json": "json_object",
        "at": "%(at)s",
        "begin": "%(begin)s",
        "end": "%(end)s",
        "begin_day": "%(begin_day)s",
        "end_day": "%(end_day)s",
    },
}


def award(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Give and take the levels of every active medal, once for the local month in which `as_of` lies.

    Counted are the twelve whole months before it, so a night that was missed changes nothing; a month that was missed
    altogether is not made up for. Changes are dated `at`; each is a row of history and a medal.awarded or medal.lost
    fact. Safe to stop, repeat and run twice.
    """
    end = clock.month_start(clock.local_date(as_of))
    when = clock.day_start(end)
    jobs.run(
        SCORES,
        when,
        spans=lambda: spans.of(Member.objects.all(), by="id"),
        work=lambda first, last: _score(first, last, end),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )
    return jobs.run(
        JOB,
        when,
        spans=lambda: _draw_lines(end),
        work=lambda first, last: _award(first, last, end, at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def _score(first: int, last: int, end: dt.date) -> dict[str, int]:
    """Count a range of members; who has nothing any more comes to 0. What a later month has counted stays."""
    scored = _execute(_SCORE, _window(end) | {"first": first, "last": last})
    MedalStanding.objects.filter(member__gte=first, member__lte=last, as_of__lt=end, medal__is_active=True).update(
        money=0, orders=0, days=0, pieces=0, score=0, reached_at=None, as_of=end
    )
    return {"scores": scored}


def _draw_lines(end: dt.date) -> list[tuple[int, int]]:
    """Fix where each level begins, once for the whole run, and cut the work."""
    _execute(_CUT, _window(end))
    return spans.of(MedalStanding.objects.filter(as_of=end), by="member_id")


def _award(first: int, last: int, end: dt.date, at: dt.datetime) -> dict[str, int]:
    params = _window(end) | {"first": first, "last": last, "at": connection.ops.adapt_datetimefield_value(at)}
    for step in _AWARD:
        _execute(step, params)
    changes = MedalAward.objects.filter(as_of=end, member__gte=first, member__lte=last)
    rose = Q(before=None) | Q(after__number__gt=F("before__number"))
    counts = changes.aggregate(awarded=Count("pk", filter=rose), changed=Count("pk"))
    return {"awarded": counts["awarded"], "lost": counts["changed"] - counts["awarded"]}


def _window(end: dt.date) -> dict:
    """The twelve whole months before the first day `end` of a month: as days, and as instants."""
    begin = clock.months_after(end, -MONTHS)
    adapt = connection.ops.adapt_datetimefield_value
    return {
        "begin": adapt(clock.day_start(begin)),
        "end": adapt(clock.day_start(end)),
        "begin_day": begin.isoformat(),
        "end_day": end.isoformat(),
    }


def _execute(statement: str, params: dict) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement.format(**_DIALECTS[connection.vendor]), params)
        return cursor.rowcount
