"""The monthly settlement of scores: twelve whole calendar months, written once and never changed (domain.md F6, E28, E29)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db import connection
from django.db.models import Q

from common import clock
from common.models import JobRun, Staff
from common.services import jobs
from loyalty.models import Score
from loyalty.selectors import score_policies, score_sums, spans
from loyalty.selectors import score_windows as windows
from loyalty.selectors.score_dialect import among, instant, word
from loyalty.selectors.score_dialect import day as literal
from loyalty.selectors.score_policies import ScoreRules
from loyalty.selectors.score_sums import DIMENSIONS, STATE
from loyalty.services import scores
from members.models import Member

JOB = "settle-scores"

_COLUMNS = ("member_id", "value", *DIMENSIONS, *STATE)
_WRITE = f"""
    INSERT INTO loyalty_scoresnapshot (month, policy_id, at, {", ".join(_COLUMNS)})
    SELECT {{month}}, {{policy}}, %(at)s, {", ".join(_COLUMNS)} FROM scored
"""
_SETTLE = f"""
    UPDATE loyalty_score SET settled = n.value, settled_month = n.month,
           {", ".join(f"settled_{name} = n.{name}" for name in DIMENSIONS)}
    FROM loyalty_scoresnapshot n
    WHERE n.member_id = loyalty_score.member_id AND n.month = {{month}} AND {{members}}
"""
_CHANGES = """
    FROM loyalty_scoresnapshot n
    JOIN loyalty_score s ON s.member_id = n.member_id
    JOIN members_member m ON m.id = n.member_id
"""
_TELL_SETTLED = f"""
    INSERT INTO common_fact (uuid, topic, key, payload, at)
    SELECT {{uuid}}, 'score.settled', m.external_id,
           {{object}}('month', CAST('{{name}}' AS text), 'before', s.settled, 'after', n.value), %(at)s
    {_CHANGES}
    WHERE n.month = {{month}} AND {{members}} AND (s.settled IS NULL OR s.settled <> n.value)
    ORDER BY n.member_id
"""
# Who has no score yet meets nothing: no line lies below 0.
_TELL_CROSSED = f"""
    INSERT INTO common_fact (uuid, topic, key, payload, at)
    SELECT {{uuid}}, 'score.threshold_crossed', m.external_id,
           {{object}}('threshold', line.code, 'reached', {{reached}}, 'score', n.value), %(at)s
    {_CHANGES}
    CROSS JOIN (
        SELECT code, CASE WHEN is_strict THEN value + 1 ELSE value END AS least FROM loyalty_scorethreshold
    ) line
    WHERE n.month = {{month}} AND {{members}}
      AND (COALESCE(s.settled, -1) >= line.least) <> (n.value >= line.least)
    ORDER BY n.member_id, line.least
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
    return jobs.run(
        JOB,
        clock.day_start(month.replace(day=rules.policy.settled_on)),
        spans=lambda: spans.of(due(rules, month), scores.MEMBERS_PER_CHUNK, by="member_id"),
        work=lambda first, last: _settle_span(first, last, rules, month, at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def due(rules: ScoreRules, month: dt.date):
    """Scores of active members that wait for this month's settlement."""
    waiting = Q(settled_month__isnull=True) | Q(settled_month__lt=month)
    return Score.objects.filter(waiting, policy=rules.policy, member__status=Member.Status.ACTIVE)


def _settle_span(first: int, last: int, rules: ScoreRules, month: dt.date, at: dt.datetime) -> dict[str, int]:
    rows = due(rules, month).filter(member__gte=first, member__lte=last).order_by()
    members = list(rows.values_list("member_id", flat=True))
    if not members:
        return {}
    names = {
        "month": literal(month),
        "name": month.isoformat(),
        "members": among("n.member_id", members),
        "policy": rules.policy.pk,
    }
    names |= {"uuid": word("uuid"), "object": word("object"), "reached": word("flag").format("n.value >= line.least")}
    start = clock.day_start(month.replace(day=rules.policy.settled_on))
    state, parameters = score_sums.live_state(rules, among("m.id", members), start)
    summing = score_sums.summing(rules, buckets=score_sums.buckets(members, windows.settled(month)), state=state)
    told = {"at": instant(at)}
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {summing} {_WRITE.format(**names)}", parameters | told)
        cursor.execute(_TELL_SETTLED.format(**names), told)
        changed = cursor.rowcount
        cursor.execute(_TELL_CROSSED.format(**names), told)
        crossed = cursor.rowcount
        cursor.execute(_SETTLE.format(**names))
    return {"members": len(members), "changed": changed, "crossed": crossed}
