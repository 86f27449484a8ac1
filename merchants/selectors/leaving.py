"""What leaving costs of this floor: the cards of merchants' memberships with their points (domain.md E59)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from members.models import Member
from members.selectors.leaving import Hindrance, Waived
from merchants.models import Card


def of_members(members: Sequence[Member], at: dt.datetime) -> Iterable[Waived | Hindrance]:
    """Points of a card are the merchant's own; they are worth what the merchant says, so no money is named."""
    cards = Card.objects.filter(member__in=members, status=Card.Status.ACTIVE).select_related("club__merchant")
    for card in cards.order_by("pk"):
        yield Waived("card", f"{card.club.merchant}: {card.club.name}", card.points)
