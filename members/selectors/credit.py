"""Questions about credit scores."""

from __future__ import annotations

import datetime as dt

from members.models import CreditScore, Member


def newest(member: Member, as_of: dt.datetime) -> int | None:
    """The score that counts at the instant: the newest one said of it or before."""
    scores = CreditScore.objects.filter(member=member, at__lte=as_of).order_by("-at")
    return scores.values_list("score", flat=True).first()
