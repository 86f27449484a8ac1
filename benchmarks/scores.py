"""The value score: from nothing, by night and by the month, against hand-written statements for all members at once."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable

from django.db import connection, transaction

from benchmarks import databases, worlds
from benchmarks.results import Result
from common import clock
from loyalty.models import Score, ScoreBucket, ScoreDimension, ScorePolicy, ScoreSource
from loyalty.services import score_settlements, scores

DAY = dt.date(2026, 3, 3)
NEXT = DAY + dt.timedelta(days=1)

# Twenty days with something on each of them, spread over fifteen months; every twentieth member does something more.
_PAST = """
    INSERT INTO loyalty_activity (member_id, kind, day, streak, channel, at)
    SELECT m.id, CASE n %% 3 WHEN 0 THEN 'login' WHEN 1 THEN 'check_in' ELSE 'share' END,
           %(day)s::date - (n * 22 + m.id %% 22)::int, 1, '', %(at)s
    FROM members_member m, generate_series(1, 20) n
"""
_NEWS = """
    INSERT INTO loyalty_activity (member_id, kind, day, streak, channel, at)
    SELECT id, 'login', %(day)s, 1, '', %(at)s FROM members_member WHERE id %% 20 = 0;
    INSERT INTO loyalty_changedday (member_id, day) SELECT id, %(day)s FROM members_member WHERE id %% 20 = 0
"""
_VALUE = "CASE kind WHEN 'login' THEN 5 WHEN 'share' THEN 10 ELSE 3 END"

_FLOOR_BUCKETS = f"""
    INSERT INTO loyalty_scorebucket (member_id, day, month, source_id, category, store_code, value)
    SELECT a.member_id, a.day, extract(year FROM a.day) * 12 + extract(month FROM a.day) - 1, s.id, '', '', {_VALUE}
    FROM loyalty_activity a JOIN loyalty_scoresource s USING (kind)
    WHERE {{which}}
"""
_FLOOR_SUMS = """
    x AS (
        SELECT member_id, sum(size) AS x FROM (
            SELECT member_id, source_id, min(size) AS size FROM (
                SELECT b.member_id, b.source_id, b.month, least(sum(b.value), s.cap_month) AS size
                FROM loyalty_scorebucket b JOIN loyalty_scoresource s ON s.id = b.source_id
                WHERE {which} AND b.day >= %(first)s AND b.day < %(end)s
                GROUP BY b.member_id, b.source_id, b.month, s.cap_month
                UNION ALL
                SELECT member_id, source_id, month, sum(least(size, cap_day)) FROM (
                    SELECT b.member_id, b.source_id, b.month, b.day, s.cap_day, sum(b.value) AS size
                    FROM loyalty_scorebucket b JOIN loyalty_scoresource s ON s.id = b.source_id AND s.kind = 'share'
                    WHERE {which} AND b.day >= %(first)s AND b.day < %(end)s
                    GROUP BY b.member_id, b.source_id, b.month, b.day, s.cap_day
                ) days GROUP BY member_id, source_id, month
            ) ways GROUP BY member_id, source_id, month
        ) months GROUP BY member_id
    ), scored AS (
        SELECT m.id AS member_id, m.phone_verified, least(coalesce(x.x, 0), 100000) AS activity,
               CASE WHEN m.phone_verified THEN 20 ELSE 0 END AS account
        FROM members_member m LEFT JOIN x ON x.member_id = m.id WHERE {members}
    )
"""
_FLOOR_SCORES = f"""
    WITH {_FLOOR_SUMS}
    INSERT INTO loyalty_score
        (member_id, policy_id, counted_on, value, consumption, activity, account, reputation, credit,
         real_name_verified, phone_verified, birthday_given, years)
    SELECT member_id, (SELECT max(id) FROM loyalty_scorepolicy), %(end)s, activity + account, 0, activity, account, 0, 0,
           false, phone_verified, false, 0
    FROM scored
    ON CONFLICT (member_id) DO UPDATE
    SET counted_on = excluded.counted_on, value = excluded.value, activity = excluded.activity, account = excluded.account
"""
_FLOOR_SETTLED = f"""
    WITH {_FLOOR_SUMS}, snapshot AS (
        INSERT INTO loyalty_scoresnapshot
            (member_id, month, value, consumption, activity, account, reputation, credit, real_name_verified, phone_verified,
             birthday_given, years, policy_id, at)
        SELECT member_id, %(end)s, activity + account, 0, activity, account, 0, 0, false, phone_verified, false, 0,
               (SELECT max(id) FROM loyalty_scorepolicy), %(at)s
        FROM scored
    ), fact AS (
        INSERT INTO common_fact (uuid, topic, key, payload, at)
        SELECT gen_random_uuid(), 'score.settled', m.external_id,
               jsonb_build_object('month', %(end)s::text, 'before', null, 'after', activity + account), %(at)s
        FROM scored JOIN members_member m ON m.id = scored.member_id
    )
    UPDATE loyalty_score s
    SET settled = n.activity + n.account, settled_month = %(end)s, settled_consumption = 0, settled_activity = n.activity,
        settled_account = n.account, settled_reputation = 0, settled_credit = 0
    FROM scored n WHERE n.member_id = s.member_id
"""
# Whose day is marked, and whose days enter or leave the window.
_FLOOR_STALE = """
    CREATE TEMPORARY TABLE stale ON COMMIT DROP AS
    SELECT member_id FROM loyalty_changedday
    UNION SELECT member_id FROM loyalty_scorebucket WHERE day IN (%(end)s::date - 1, %(first)s::date - 1)
"""


def measure(server: str, database: str, *, members: int) -> list[Result]:
    """Count, settle and count the next night twice, by hand and by the jobs, each on its own fresh copy of `database`."""
    with databases.clone(server, database):
        _fill()
        floors = [_timed(step) for step in (_everything_by_hand, _settlement_by_hand, _news, _night_by_hand)]
        by_hand = _outcome()
    with databases.clone(server, database):
        _fill()
        ours = [_timed(step) for step in (_everything, _settlement, _news, _night)]
        by_job = _outcome()
    if by_job != by_hand:
        raise RuntimeError(f"the jobs counted {by_job}, the floors {by_hand}")
    names = [("scores from nothing", 0), ("score settlement", 1), ("nightly scores", 3)]
    return [Result(name, members, "member", ours[step], floors[step], aim=1.5) for name, step in names]


def _fill() -> None:
    policy = ScorePolicy.objects.create(
        status="published", drafted_at=worlds.LAST_YEAR, published_at=worlds.LAST_YEAR, effective_at=worlds.LAST_YEAR
    )
    for code in ("activity", "account"):
        ScoreDimension.objects.create(policy=policy, code=code, cap=100_000)
    ScoreSource.objects.create(policy=policy, dimension="activity", kind="login", value=5, cap_month=30)
    ScoreSource.objects.create(policy=policy, dimension="activity", kind="share", value=10, cap_day=8, cap_month=15)
    ScoreSource.objects.create(policy=policy, dimension="activity", kind="check_in", value=3, cap_month=30)
    ScoreSource.objects.create(policy=policy, dimension="account", kind="phone", value=20)
    worlds.load(_PAST, {"day": DAY, "at": worlds.LAST_YEAR})
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _timed(step: Callable[[], object]) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def _news() -> None:
    """A day goes by; autovacuum has seen the tables."""
    worlds.load(_NEWS, {"day": DAY, "at": worlds.NOW})
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _outcome() -> list:
    """What both must have written, member by member, in one number each."""
    rows = Score.objects.order_by("member").values_list("member_id", "value", "activity", "settled", "settled_activity")
    return [rows.count(), hash(tuple(rows)), ScoreBucket.objects.count()]


@transaction.atomic
def _by_hand(*statements: str, **params: object) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, params)


def _everything_by_hand() -> None:
    _by_hand(
        _FLOOR_BUCKETS.format(which="a.day >= '2025-01-01'"),
        _FLOOR_SCORES.format(which="true", members="m.status = 'active'"),
        first=dt.date(2025, 3, 3),
        end=DAY,
    )


def _settlement_by_hand() -> None:
    whole = {"first": dt.date(2025, 3, 1), "end": dt.date(2026, 3, 1), "at": worlds.NOW}
    _by_hand(_FLOOR_SETTLED.format(which="true", members="m.status = 'active'"), **whole)


def _night_by_hand() -> None:
    marked = "SELECT DISTINCT member_id, day FROM loyalty_changedday"
    _by_hand(
        f"DELETE FROM loyalty_scorebucket WHERE (member_id, day) IN ({marked})",
        _FLOOR_BUCKETS.format(which=f"(a.member_id, a.day) IN ({marked})"),
        _FLOOR_STALE,
        "ANALYZE stale",
        _FLOOR_SCORES.format(
            which="b.member_id IN (SELECT member_id FROM stale)", members="m.id IN (SELECT member_id FROM stale)"
        ),
        "DELETE FROM loyalty_changedday",
        first=dt.date(2025, 3, 4),
        end=NEXT,
    )


def _everything() -> None:
    scores.count_anew(clock.day_start(DAY), worlds.NOW)


def _settlement() -> None:
    score_settlements.settle(clock.day_start(DAY), worlds.NOW)


def _night() -> None:
    scores.count(clock.day_start(NEXT), worlds.NOW)
