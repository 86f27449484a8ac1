"""Questions about scores that other parts ask. Entitlements go by the settled score, never the daily one (E28)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from loyalty.models import Score, ScoreSnapshot, ScoreThreshold
from loyalty.selectors import score_explanations, score_policies
from loyalty.selectors import score_windows as windows
from loyalty.selectors.score_explanations import DropOut, Explanation, Idea
from loyalty.selectors.score_windows import Window
from members.models import Member


@dataclass(frozen=True)
class Standpoint:
    """Everything a page says of one member's score."""

    score: Score
    now: Explanation
    settled: ScoreSnapshot | None
    drop_out: DropOut | None
    ideas: Sequence[Idea]


def settled(member_id: int, at: dt.datetime) -> int | None:
    """The settled score that counted at an instant; None before the first settlement."""
    snapshots = ScoreSnapshot.objects.filter(member=member_id, at__lte=at).order_by("-month")
    return snapshots.values_list("value", flat=True).first()


def meets(member_id: int, threshold_code: str, at: dt.datetime) -> bool:
    """Whether the member's settled score met a named threshold at an instant. Raises ScoreThreshold.DoesNotExist."""
    return ScoreThreshold.objects.get(code=threshold_code).is_met_by(settled(member_id, at))


def meeting(threshold: ScoreThreshold) -> QuerySet[Score]:
    """The scores of active members that meet a threshold now."""
    return Score.objects.filter(settled__gte=threshold.least, member__status=Member.Status.ACTIVE)


def standpoint(member: Member) -> Standpoint | None:
    """The member's score with its reasons, by the policy it was counted by; None before the first count.

    Six queries, however long the history.
    """
    score = Score.objects.select_related("policy").filter(member=member, policy__isnull=False).first()
    if score is None or score.policy is None:
        return None
    rules = score_policies.load(score.policy)
    snapshot = ScoreSnapshot.objects.filter(member=member).order_by("-month").first()
    window = windows.provisional(score.counted_on)
    oldest = min(window.first, windows.settled(snapshot.month).first) if snapshot else window.first
    days = score_explanations.days_of(member.pk, rules, Window(oldest, dt.date.max))
    state = score_explanations.state_of(score)
    drop_out = None
    if snapshot and snapshot.policy_id == rules.policy.pk:
        drop_out = score_explanations.drop_out(rules, snapshot.month, days, score_explanations.state_of(snapshot))
    return Standpoint(
        score,
        score_explanations.explain(rules, window, days, state),
        snapshot,
        drop_out,
        score_explanations.ideas(rules, window, days, state),
    )


def history(member: Member, months: int) -> list[tuple[dt.date, int]]:
    """The last settled scores, the oldest first."""
    rows = ScoreSnapshot.objects.filter(member=member).order_by("-month").values_list("month", "value")
    return list(rows[:months])[::-1]
