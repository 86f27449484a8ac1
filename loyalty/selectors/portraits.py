"""What a group of members looks like: by tier, by life cycle, by recency and frequency."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from django.db.models import Count, QuerySet, Sum

from loyalty.models import Tier
from members.models import Member

Cell = tuple[int, int] | None


@dataclass(frozen=True)
class Portrait:
    """A group in numbers of members; `heat` by (R, F), None for who never ordered. Spend in minor units, of 12 months."""

    size: int = 0
    everybody: int = 0
    tiers: list[tuple[Tier | None, int]] = field(default_factory=list)
    stages: Counter[str] = field(default_factory=Counter)
    stage_spend: Counter[str] = field(default_factory=Counter)
    heat: Counter[Cell] = field(default_factory=Counter)
    spend: Counter[Cell] = field(default_factory=Counter)
    sample: list[Member] = field(default_factory=list)


def draw(members: QuerySet[Member], sample: int = 0) -> Portrait:
    """The portrait of some active members, with the first few of them. Four queries, whatever the size."""
    rows = (
        members.order_by()
        .values_list("standing__tier", "stats__lifecycle", "stats__r", "stats__f")
        .annotate(number=Count("pk"), money=Sum("stats__net_cash_12m", default=0))
    )
    tiers: Counter[int | None] = Counter()
    stages: Counter[str] = Counter()
    stage_spend: Counter[str] = Counter()
    heat: Counter[Cell] = Counter()
    spend: Counter[Cell] = Counter()
    for tier_id, stage, r, f, number, money in rows:
        cell = (r, f) if r else None
        tiers[tier_id] += number
        stages[stage or ""] += number
        stage_spend[stage or ""] += money
        heat[cell] += number
        spend[cell] += money
    return Portrait(
        size=tiers.total(),
        everybody=Member.objects.filter(status=Member.Status.ACTIVE).count(),
        tiers=[*((tier, tiers[tier.pk]) for tier in Tier.objects.order_by("-rank")), (None, tiers[None])],
        stages=stages,
        stage_spend=stage_spend,
        heat=heat,
        spend=spend,
        sample=list(members.order_by("pk")[:sample]),
    )
