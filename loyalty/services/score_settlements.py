"""The monthly settlement of scores: twelve whole calendar months, written once and never changed (domain.md F6, E28, E29)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from django.db import connection
from django.db.models import Q

from common import clock
from common.models import JobRun, Staff
from common.services import jobs, outbox
from loyalty import facts
from loyalty.models import Score, ScoreThreshold
from loyalty.selectors import score_policies, score_sums, spans
from loyalty.selectors import score_windows as windows
from loyalty.selectors.score_dialect import day as literal
from loyalty.selectors.score_dialect import instant, keys
from loyalty.selectors.score_policies import ScoreRules
from loyalty.selectors.score_sums import DIMENSIONS, STATE
from loyalty.services import scores
from members.models import Member

JOB = "settle-scores"

_COLUMNS = ("member_id", "value", *DIMENSIONS, *STATE)
_WRITE = f"""
    INSERT INTO loyalty_scoresnapshot (month, policy_id, at, {", ".join(_COLUMNS)})
    SELECT {{month}}, {{policy}}, {{at}}, {", ".join(_COLUMNS)} FROM scored
"""
_SETTLE = f"""
    UPDATE loyalty_score SET settled = n.value, settled_month = n.month,
           {", ".join(f"settled_{name} = n.{name}" for name in DIMENSIONS)}
    FROM loyalty_scoresnapshot n
    WHERE n.member_id = loyalty_score.member_id AND n.month = {{month}} AND n.member_id IN ({{members}})
"""
_CHANGES = """
    SELECT m.external_id, s.settled, n.value
    FROM loyalty_scoresnapshot n
    JOIN loyalty_score s ON s.member_id = n.member_id
    JOIN members_member m ON m.id = n.member_id
    WHERE n.month = {month} AND n.member_id IN ({members}) AND (s.settled IS NULL OR s.settled <> n.value)
    ORDER BY n.member_id
"""


def settle(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun | None:
    """Settle the newest month whose settlement day has come by the last count up to `as_of`; None before the first count.

    The run is that of the settlement day, however late it is: asking every night settles each month once. Members without
    a score by the policy in force wait for the next settlement. Publishes score.settled for each score that changed and
    score.threshold_crossed for each line it crossed.
    """
    counted = scores.last_run(as_of)
    rules = score_policies.in_force(counted.as_of) if counted else None
    if counted is None or rules is None:
        return None
    month = windows.month_to_settle(clock.local_date(counted.as_of), rules.policy.settled_on)
    lines = list(ScoreThreshold.objects.all())
    return jobs.run(
        JOB,
        clock.day_start(month.replace(day=rules.policy.settled_on)),
        spans=lambda: spans.of(due(rules, month), by="member_id"),
        work=lambda first, last: _settle_span(first, last, rules, month, lines, at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def due(rules: ScoreRules, month: dt.date):
    """Scores of active members that wait for this month's settlement."""
    waiting = Q(settled_month__isnull=True) | Q(settled_month__lt=month)
    return Score.objects.filter(waiting, policy=rules.policy, member__status=Member.Status.ACTIVE)


def _settle_span(
    first: int, last: int, rules: ScoreRules, month: dt.date, lines: Sequence[ScoreThreshold], at: dt.datetime
) -> dict[str, int]:
    rows = due(rules, month).filter(member__gte=first, member__lte=last).order_by()
    members = list(rows.values_list("member_id", flat=True))
    if not members:
        return {}
    where = {"month": literal(month), "members": keys(members)}
    state, parameters = score_sums.live_state(
        rules, f"m.id IN ({keys(members)})", clock.day_start(month.replace(day=rules.policy.settled_on))
    )
    buckets = score_sums.buckets(members, windows.settled(month))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH {score_sums.summing(rules, buckets=buckets, state=state)}
                {_WRITE.format(month=literal(month), policy=rules.policy.pk, at="%(at)s")}""",
            parameters | {"at": instant(at)},
        )
        cursor.execute(_CHANGES.format(**where))
        changes = cursor.fetchall()
        cursor.execute(_SETTLE.format(**where))
    crossed = [fact for change in changes for fact in _crossings(lines, *change)]
    settled = [facts.ScoreSettled(key, month.isoformat(), before, after) for key, before, after in changes]
    outbox.publish([*settled, *crossed], at)
    return {"members": len(members), "changed": len(changes), "crossed": len(crossed)}


def _crossings(
    lines: Sequence[ScoreThreshold], key: str, before: int | None, after: int
) -> list[facts.ScoreThresholdCrossed]:
    """The lines between two settled scores."""
    return [
        facts.ScoreThresholdCrossed(key, line.code, line.is_met_by(after), after)
        for line in lines
        if line.is_met_by(before) != line.is_met_by(after)
    ]
