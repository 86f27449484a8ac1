"""Who is in a merchant's segment of its cards: asked anew each time, one condition on the cards."""

from __future__ import annotations

import datetime as dt

from django.db.models import Count, Q, QuerySet

from members.models import Member
from merchants.models import Card, CardSegment


def everywhere() -> QuerySet[Card]:
    """The cards that anything may reach: of members who have left neither their club nor the programme."""
    return Card.objects.filter(status=Card.Status.ACTIVE, member__status=Member.Status.ACTIVE)


def reachable(club_id: int) -> QuerySet[Card]:
    """The same of one club."""
    return everywhere().filter(club=club_id)


def cards(segment: CardSegment, at: dt.datetime) -> QuerySet[Card]:
    """The reachable cards that meet every condition that is filled in; all bounds are included."""
    return reachable(segment.club_id).filter(_conditions(segment, at))


def _conditions(segment: CardSegment, at: dt.datetime) -> Q:
    asked = {
        "level__gte": segment.level_from,
        "level__lte": segment.level_to,
        "spent__gte": segment.spent_from,
        "spent__lte": segment.spent_to,
        "orders__gte": segment.orders_from,
        "orders__lte": segment.orders_to,
        "joined_at__gte": _ago(segment.joined_within, at),
        "joined_at__lte": _ago(segment.joined_before, at),
        "last_order_at__gte": _ago(segment.ordered_within, at),
        "channel": segment.channel or None,
    }
    found = Q(**{name: value for name, value in asked.items() if value is not None})
    if segment.idle_for is not None:
        found &= Q(last_order_at=None) | Q(last_order_at__lte=_ago(segment.idle_for, at))
    return found


def _ago(days: int | None, at: dt.datetime) -> dt.datetime | None:
    return None if days is None else at - dt.timedelta(days=days)


def by_level(cards: QuerySet[Card]) -> list[tuple[int, int]]:
    """How many cards there are of each level, the lowest first."""
    return list(cards.order_by("level").values_list("level").annotate(members=Count("pk")))
