"""Whom a campaign or a message means."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from merchants.models import Audience, Card, Reach
from merchants.selectors import segments


def cards(reach: Reach, at: dt.datetime) -> QuerySet[Card]:
    """The cards that are meant, of members who have not left. A draft that was never saved has no list yet."""
    if reach.audience == Audience.SEGMENT and reach.segment is not None:
        return segments.cards(reach.segment, at)
    found = segments.reachable(reach.club_id)
    if reach.audience == Audience.LEVEL:
        return found.filter(level__gte=reach.level)
    if reach.audience == Audience.LIST:
        return found.filter(pk__in=reach.listed.values("pk")) if reach.pk else found.none()
    return found


def of_members(reaches: Collection[Reach], names: Collection[str], at: dt.datetime) -> dict[int, dict[str, Card]]:
    """The cards of some members that are meant: by id of the reach, then by the member's external id.

    One query for all that mean everybody, one for each of the others.
    """
    for_all = [reach for reach in reaches if reach.audience == Audience.ALL]
    everybody = (
        segments.everywhere().filter(club__in={reach.club_id for reach in for_all}) if for_all else Card.objects.none()
    )
    by_club: dict[int, dict[str, Card]] = defaultdict(dict)
    for card in _of(everybody, names):
        by_club[card.club_id][card.member.external_id] = card
    found = {reach.pk: by_club[reach.club_id] for reach in for_all}
    for reach in reaches:
        if reach.pk not in found:
            found[reach.pk] = {card.member.external_id: card for card in _of(cards(reach, at), names)}
    return found


def _of(cards: QuerySet[Card], names: Collection[str]) -> QuerySet[Card]:
    return cards.filter(member__external_id__in=names).select_related("member")


def faults(reach: Reach) -> list[tuple[str, Any]]:
    """What is wrong with whom a draft means, as (field, words)."""
    if reach.audience == Audience.LEVEL and not 1 <= (reach.level or 0) <= 5:
        return [("level", _("Say from which level, 1 to 5."))]
    if reach.audience == Audience.SEGMENT and (reach.segment is None or reach.segment.club_id != reach.club_id):
        return [("segment", _("Choose a segment of this membership."))]
    return []
