"""Questions about credit scores."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.db.models import OuterRef, Subquery

from members.models import CreditScore, Member


def newest(member: Member, as_of: dt.datetime) -> int | None:
    """The score that counts at the instant: the newest one said of it or before."""
    return newest_of([member.pk], as_of).get(member.pk)


def newest_of(members: Collection[int], as_of: dt.datetime) -> dict[int, int]:
    """The score that counts at the instant, by member's key; nothing for members without one. One query."""
    scores = CreditScore.objects.filter(member=OuterRef("pk"), at__lte=as_of).order_by("-at")
    rows = Member.objects.filter(pk__in=members).order_by().values_list("pk", Subquery(scores.values("score")[:1]))
    return {member: score for member, score in rows if score is not None}
