"""What a merchant's overview says: members, points, campaigns that run, and what waits for somebody."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, QuerySet, Sum

from merchants.models import (
    BrandMember,
    Card,
    CardEvent,
    Club,
    LevelScheme,
    Merchant,
    MerchantCampaign,
    Message,
    PointPurchase,
    Rebate,
)
from merchants.selectors import levels as level_lists


@dataclass(frozen=True, slots=True)
class LevelBar:
    """How many active members hold a level; unnamed before the first scheme."""

    club: Club
    number: int
    name: str
    colour: str
    members: int


@dataclass(frozen=True, slots=True)
class Step:
    """One of the three things a new merchant does first: "levels", "points", "campaign"."""

    code: str
    done: bool


def members(merchant: Merchant, since: dt.datetime) -> tuple[int, int]:
    """Active members of all memberships, and cards opened or reopened since. Two queries."""
    active = Card.objects.filter(club__merchant=merchant, status=Card.Status.ACTIVE).count()
    kinds = [CardEvent.Kind.JOINED, CardEvent.Kind.RETURNED]
    return active, CardEvent.objects.filter(card__club__merchant=merchant, kind__in=kinds, at__gte=since).count()


def by_level(merchant: Merchant, at: dt.datetime) -> list[LevelBar]:
    """Every level in force of every open membership, the lowest first. Two queries, and one a membership."""
    rows = Card.objects.filter(club__merchant=merchant, status=Card.Status.ACTIVE).order_by()
    counted = rows.values_list("club", "level").annotate(members=Count("pk"))
    held = {(club, level): total for club, level, total in counted}
    bars = []
    for club in Club.objects.filter(merchant=merchant).exclude(status=Club.Status.CLOSED):
        for level in level_lists.in_force(club.pk, at):
            bars.append(LevelBar(club, level.number, level.name, level.colour, held.get((club.pk, level.number), 0)))
    return bars


def running(merchant: Merchant) -> QuerySet[MerchantCampaign]:
    """Campaigns that run, the next to end first, with `left` of the budget in their pockets. One query."""
    rows = MerchantCampaign.objects.filter(club__merchant=merchant, status=MerchantCampaign.Status.RUNNING)
    return rows.annotate(left=Sum("pockets__available", default=0)).order_by("ends_at", "pk")


def waiting(merchant: Merchant) -> dict[str, int]:
    """How many of what waits for somebody of the merchant, by kind; nothing that is 0. Six queries."""
    found = {
        "conflicts": BrandMember.objects.filter(club__merchant=merchant, status=BrandMember.Status.CONFLICT),
        "levels": LevelScheme.objects.filter(club__merchant=merchant, status=LevelScheme.Status.DRAFT),
        "campaigns": MerchantCampaign.objects.filter(club__merchant=merchant, status=MerchantCampaign.Status.DRAFT),
        "messages": Message.objects.filter(club__merchant=merchant, status=Message.Status.DRAFT),
        "purchases": PointPurchase.objects.filter(merchant=merchant, status=PointPurchase.Status.DRAFT),
        "rebates": Rebate.objects.filter(scheme__merchant=merchant, status=Rebate.Status.OPEN),
    }
    counts = {kind: rows.count() for kind, rows in found.items()}
    return {kind: count for kind, count in counts.items() if count}


def first_steps(merchant: Merchant) -> list[Step]:
    """What a new merchant does first, in order, and what of it is done. Three queries."""
    published = LevelScheme.objects.filter(club__merchant=merchant, status=LevelScheme.Status.PUBLISHED)
    bought = PointPurchase.objects.filter(merchant=merchant, status=PointPurchase.Status.CREDITED)
    started = MerchantCampaign.objects.filter(club__merchant=merchant, started_at__isnull=False)
    return [
        Step("levels", published.exists()),
        Step("points", bought.exists()),
        Step("campaign", started.exists()),
    ]
