"""Tiers by rank: the best so many members, or the best share of them, once a month (domain.md F4; E50, E51).

A total order (growth, then who reached it first, then who came first) makes the cut deterministic: it never lets in more
than there are places. With hysteresis a member falls only beyond so many per cent more places.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db import connection

from common import clock
from common.models import JobRun, Staff
from common.services import jobs
from loyalty.models import Account, Ladder, TierCut
from loyalty.selectors import programme as programmes
from loyalty.services import judgement, ladders, tiers
from loyalty.services.judgement import REAL, Tables
from loyalty.services.ladders import CompiledLadder

JOB = "rank-tiers"
_LOCKED_AT_ONCE = 10_000


def rank(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun | None:
    """Draw the lines as of the start of the month of `as_of`, once a month; None if the ladder in force is not by rank.

    One chunk: who has a place depends on everybody. Only standings whose tier changes are written.
    """
    ladder = ladders.load(programmes.current()).ladders.at(as_of)
    if ladder is None or not ladder.ladder.by_rank:
        return None
    month = clock.day_start(clock.month_start(clock.local_date(as_of)))
    line_at = max(month, ladder.ladder.effective_at or month)
    return jobs.run(
        JOB,
        line_at,
        spans=lambda: [(0, 0)],
        work=lambda _first, _last: _rank(ladder, line_at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def places(ladder: CompiledLadder, tables: Tables = REAL) -> dict[int, int]:
    """How many members stand on each rung but the lowest and above, by rank; of a share of members, rounded down."""
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {judgement.places(ladder, tables)} SELECT count(*) FROM ranked")
        members = cursor.fetchone()[0]
    by_share = ladder.ladder.line == Ladder.Line.SHARE
    return {step.rank: members * (step.size or 0) // 1000 if by_share else step.size or 0 for step in ladder.steps[1:]}


def _rank(ladder: CompiledLadder, at: dt.datetime) -> dict[str, int]:
    room = places(ladder)
    judged = judgement.ranking(ladder, room)
    _lock(judged)
    done = tiers.write(ladder, at, judged, "ladder")
    _keep_cuts(ladder, room, at)
    return dict(done)


def _lock(judged: str) -> None:
    """Lock the accounts of those whose tier changes, in id order (docs/locking.md)."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH {judged} SELECT w.account_id FROM judged JOIN loyalty_wallet w ON w.member_id = judged.member_id"
        )
        accounts = sorted(row[0] for row in cursor.fetchall())
    for start in range(0, len(accounts), _LOCKED_AT_ONCE):
        some = Account.objects.select_for_update().filter(pk__in=accounts[start : start + _LOCKED_AT_ONCE])
        list(some.order_by("pk").values_list("pk"))


def _keep_cuts(ladder: CompiledLadder, room: dict[int, int], at: dt.datetime) -> None:
    """The growth of the last member who has a place on each rung: what the others are told to reach (F4)."""
    by_rank = {step.rank: step.tier for step in ladder.steps}
    wanted = ", ".join(str(size) for size in room.values()) or "0"
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {judgement.places(ladder)} SELECT place, growth FROM ranked WHERE place IN ({wanted})")
        growth = dict(cursor.fetchall())
    TierCut.objects.bulk_create(
        TierCut(ladder=ladder.ladder, tier=by_rank[rank], at=at, places=size, growth=growth.get(size, 0))
        for rank, size in room.items()
    )
