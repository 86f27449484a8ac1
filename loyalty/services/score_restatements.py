"""News that comes after a settlement is written down; the settled score stays (domain.md E29)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence

from django.db import connection

from loyalty.models import Score, ScoreRestatement
from loyalty.selectors import score_sums
from loyalty.selectors import score_windows as windows
from loyalty.selectors.score_dialect import among
from loyalty.selectors.score_dialect import day as literal
from loyalty.selectors.score_policies import ScoreRules
from loyalty.selectors.score_sums import STATE

_STATE = f"""
    SELECT member_id, {", ".join(STATE)} FROM loyalty_scoresnapshot
    WHERE month = {{month}} AND policy_id = {{policy}} AND {{members}}
"""


def note(rules: ScoreRules, changed: Sequence[tuple[int, dt.date]], at: dt.datetime) -> int:
    """Write down what settled scores would now be, for members and days that changed; return how many.

    State and credit count as they stood at the settlement. A settlement by another policy is not reckoned again.
    """
    affected = _affected(changed)
    return sum(_note(rules, month, settled, at) for month, settled in affected.items())


def _affected(changed: Sequence[tuple[int, dt.date]]) -> dict[dt.date, dict[int, int]]:
    """By settled month: members with a changed day in its window, and their settled scores."""
    days: dict[int, list[dt.date]] = defaultdict(list)
    for member_id, day in changed:
        days[member_id].append(day)
    if not days:
        return {}
    affected: dict[dt.date, dict[int, int]] = defaultdict(dict)
    rows = Score.objects.filter(member__in=days).order_by()
    for member_id, month, settled in rows.values_list("member_id", "settled_month", "settled"):
        if month is None or settled is None:
            continue
        first, end = windows.settled(month)
        if any(first <= day < end for day in days[member_id]):
            affected[month][member_id] = settled
    return affected


def _note(rules: ScoreRules, month: dt.date, settled: dict[int, int], at: dt.datetime) -> int:
    restated = ScoreRestatement.objects.filter(member__in=settled, month=month).order_by("id")
    known = settled | dict(restated.values_list("member_id", "restated"))
    news = [
        ScoreRestatement(member_id=member_id, month=month, settled=settled[member_id], restated=value, at=at)
        for member_id, value in _now(rules, month, settled)
        if value != known[member_id]
    ]
    ScoreRestatement.objects.bulk_create(news)
    return len(news)


def _now(rules: ScoreRules, month: dt.date, members: Collection[int]) -> list[tuple[int, int]]:
    """What the month's score would be with today's knowledge."""
    state = _STATE.format(month=literal(month), policy=rules.policy.pk, members=among("member_id", members))
    buckets = score_sums.buckets(members, windows.settled(month))
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH {score_sums.summing(rules, buckets=buckets, state=state)} SELECT member_id, value FROM scored ORDER BY 1"
        )
        return cursor.fetchall()
