"""What partners are owed for the codes that members claimed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncMonth

from common import clock
from rewards.models import Code, Partner

OWED = (Code.Status.CLAIMED, Code.Status.USED, Code.Status.EXPIRED)
"""Handed out: used or not, it is paid for."""


@dataclass(frozen=True, slots=True)
class Owed:
    """Claimed codes of one partner and month that are not settled; money in minor units."""

    partner: Partner
    month: dt.date
    codes: int
    amount: int


def claimed() -> QuerySet[Code]:
    """The codes that are owed for: handed out, whether used or not; what was given back is void and costs nothing."""
    return Code.objects.filter(status__in=OWED, claimed_at__isnull=False, reward__codes="partner", settlement=None)


def owed() -> list[Owed]:
    """By partner and month, the oldest first; two queries."""
    month = TruncMonth("claimed_at", tzinfo=clock.zone())
    rows = (
        claimed()
        .order_by()
        .annotate(month=month)
        .values("reward__partner", "month")
        .annotate(codes=Count("pk"), amount=Sum("price"))
        .order_by("month", "reward__partner")
    )
    partners = Partner.objects.in_bulk()
    return [Owed(partners[row["reward__partner"]], row["month"].date(), row["codes"], row["amount"]) for row in rows]
