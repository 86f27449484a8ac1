"""The nightly score, set-based: some thousand members a transaction, and only those for whom something changed.

A member is counted when something happened on one of her days, when days with values enter or leave the window, when her
state or credit score is another, or when her score is of another policy. Counting everybody anew gives the same numbers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.db import connection

from common import clock
from common.models import JobRun, Staff
from common.services import jobs
from loyalty.models import ChangedDay, Score
from loyalty.selectors import score_policies, score_sums, spans
from loyalty.selectors import score_windows as windows
from loyalty.selectors.score_dialect import among, word
from loyalty.selectors.score_dialect import day as literal
from loyalty.selectors.score_policies import ScoreRules
from loyalty.selectors.score_sums import DIMENSIONS, STATE
from loyalty.services import score_buckets, score_restatements
from members.models import Member

# Nobody waits for what a chunk locks, so it may be large: what it costs to ask is shared by more members.
MEMBERS_PER_CHUNK = 5000

JOB = "score-members"
JOB_ANEW = "score-members-anew"

_COLUMNS = ("member_id", "policy_id", "counted_on", "value", *DIMENSIONS, *STATE)
_WRITE = f"""
    INSERT INTO loyalty_score ({", ".join(_COLUMNS)})
    SELECT member_id, {{policy}}, {{day}}, value, {", ".join((*DIMENSIONS, *STATE))} FROM scored WHERE 1 = 1
    ON CONFLICT (member_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])}
"""


@dataclass(frozen=True)
class Night:
    """What one run works with: the policy, the instant and its day, and the day the last finished run was for.

    `anew`: everybody is counted from nothing, because that was asked for or because there is no run to go on from.
    """

    rules: ScoreRules
    as_of: dt.datetime
    at: dt.datetime
    before: dt.date
    anew: bool

    @property
    def day(self) -> dt.date:
        return clock.local_date(self.as_of)


def count(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Bring the provisional scores up to the local day that begins at `as_of`. Safe to stop, repeat and run twice."""
    return _run(JOB, as_of, at, requested_by, progress)


def count_anew(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """The same from nothing: every daily value and every score is counted again, changed or not."""
    return _run(JOB_ANEW, as_of, at, requested_by, progress)


def recount(members: Collection[int]) -> None:
    """Let the next night count these members' days and scores from nothing: they were merged, or parted again."""
    Score.objects.filter(member__in=members).update(policy=None)


def last_run(as_of: dt.datetime) -> JobRun | None:
    """The newest finished count that was made for an instant up to `as_of`."""
    return _finished().filter(as_of__lte=as_of).order_by("-as_of").first()


def _finished():
    return JobRun.objects.filter(job__in=[JOB, JOB_ANEW], status=JobRun.Status.DONE)


def _run(job: str, as_of: dt.datetime, at: dt.datetime, requested_by: Staff | None, progress) -> JobRun:
    night = _tonight(as_of, at, anew=job == JOB_ANEW)
    return jobs.run(
        job,
        as_of,
        spans=lambda: spans.of(Member.objects.all(), MEMBERS_PER_CHUNK, by="id"),
        work=lambda first, last: _count_span(first, last, night) if night else {},
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def _tonight(as_of: dt.datetime, at: dt.datetime, *, anew: bool) -> Night | None:
    """What there is to work with; None before the first policy, and for a night that a later one has made up for."""
    rules = score_policies.in_force(as_of)
    if rules is None or _finished().filter(as_of__gt=as_of).exists():
        return None
    before = last_run(as_of)
    return Night(rules, as_of, at, clock.local_date(before.as_of if before else as_of), anew or before is None)


def _count_span(first: int, last: int, night: Night) -> dict[str, int]:
    stale = _bring_up_to_date(first, last, night)
    if windows.horizon(night.day) != windows.horizon(night.before):
        score_buckets.forget(first, last, night.day)
    if stale:
        _write(stale, night)
    return {"members": len(stale)}


def _bring_up_to_date(first: int, last: int, night: Night) -> set[int]:
    """Count the daily values of a range of members again where needed; return whose score has to be counted.

    The marks are read before what they mark, and just those are taken away: what happens meanwhile is counted next time.
    """
    marks = list(ChangedDay.objects.filter(member__gte=first, member__lte=last).values_list("pk", "member_id", "day"))
    members = Member.objects.filter(pk__gte=first, pk__lte=last, status=Member.Status.ACTIVE).order_by()
    unlike = members if night.anew else members.exclude(score__policy=night.rules.policy)
    renewed = set(unlike.values_list("pk", flat=True))
    marked = {member_id for _pk, member_id, _day in marks} - renewed
    changed = set(members.filter(pk__in=marked).values_list("pk", flat=True)) if marked else set()
    keys_of_marks = [pk for pk, _member_id, _day in marks]
    score_buckets.recount(night.rules, night.day, renewed=renewed, changed=changed, marks=keys_of_marks)
    score_restatements.note(night.rules, [(member_id, day) for _pk, member_id, day in marks], night.at)
    ChangedDay.objects.filter(pk__in=keys_of_marks).delete()
    return renewed if night.anew else renewed | changed | _moved(first, last, night)


def _moved(first: int, last: int, night: Night) -> set[int]:
    """Members with values on days that entered or left the window since the run before, or with another state."""
    state, parameters = score_sums.live_state(
        night.rules, f"m.status = 'active' AND m.id BETWEEN {first:d} AND {last:d}", night.as_of
    )
    differs = " OR ".join(f"state.{name} {word('differs')} s.{name}" for name in STATE)
    statement = f"""
        SELECT state.member_id FROM ({state}) state JOIN loyalty_score s ON s.member_id = state.member_id WHERE {differs}
    """
    if days := _edges(night):
        statement += f"""
            UNION SELECT member_id FROM loyalty_scorebucket
            WHERE day IN ({", ".join(map(literal, days))}) AND member_id BETWEEN {first:d} AND {last:d}
        """
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return {member_id for (member_id,) in cursor.fetchall()}


def _edges(night: Night) -> list[dt.date]:
    """The days that are in one of two windows: that of the run before, and tonight's."""
    old, new = windows.provisional(night.before), windows.provisional(night.day)
    return [*_days(old.first, new.first), *_days(old.end, new.end)]


def _days(first: dt.date, end: dt.date) -> list[dt.date]:
    return [first + dt.timedelta(days=n) for n in range((end - first).days)]


def _write(members: Collection[int], night: Night) -> None:
    state, parameters = score_sums.live_state(
        night.rules, f"m.status = 'active' AND {among('m.id', members)}", night.as_of
    )
    summing = score_sums.summing(
        night.rules, buckets=score_sums.buckets(members, windows.provisional(night.day)), state=state
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH {summing} {_WRITE.format(policy=night.rules.policy.pk, day=literal(night.day))}", parameters
        )
