"""Cards as their holders and merchants see them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet

from common import clock
from members.models import Member
from merchants.models import Card, Level, LevelScheme, Merchant

KNOWN = Q(status=Card.Status.ACTIVE, member__status=Member.Status.ACTIVE)
"""Cards whose members a merchant knows by name (known_name)."""


@dataclass
class Rules:
    """The levels of a club today, and those announced for a later day; empty where nobody published any."""

    basis: str = LevelScheme.Basis.AMOUNT
    levels: list[Level] = field(default_factory=list)
    announced: list[Level] = field(default_factory=list)
    announced_on: dt.date | None = None

    def of(self, card: Card) -> Level | None:
        """The card's level."""
        return next((level for level in self.levels if level.number == card.level), None)

    def next(self, card: Card) -> tuple[Level, int] | None:
        """The level above, and what is missing to it: money in minor units, or orders."""
        above = next((level for level in self.levels if level.number > card.level), None)
        figure = card.spent if self.basis == LevelScheme.Basis.AMOUNT else card.orders
        return (above, max(above.threshold - figure, 0)) if above else None


def of_member(member: Member) -> QuerySet[Card]:
    """The member's open cards, the newest first."""
    return (
        Card.objects.filter(member=member, status=Card.Status.ACTIVE).select_related("club__merchant").order_by("-pk")
    )


def of_merchant(merchant: Merchant) -> QuerySet[Card]:
    """Every card in a merchant's clubs."""
    return Card.objects.filter(club__merchant=merchant).select_related("club", "member", "store")


def known_name(card: Card) -> str:
    """What the merchant may call the member: the name while the card is open, nothing once she has left (PIPL 47)."""
    is_known = card.status == Card.Status.ACTIVE and card.member.status == Member.Status.ACTIVE
    return card.member.name if is_known else ""


def rules(club_ids: Collection[int] | Iterable[int], at: dt.datetime) -> dict[int, Rules]:
    """The levels of clubs, by club; two queries."""
    found = {club_id: Rules() for club_id in club_ids}
    today = clock.local_date(at)
    published = LevelScheme.objects.filter(club__in=found, status=LevelScheme.Status.PUBLISHED)
    for scheme in published.order_by("effective_on").prefetch_related("levels"):
        own, levels = found[scheme.club_id], list(scheme.levels.all())
        assert scheme.effective_on is not None
        if scheme.effective_on <= today:
            own.basis, own.levels = scheme.basis, levels
        else:
            own.announced, own.announced_on = levels, scheme.effective_on
    return found
