"""Whom a campaign or a message means."""

from __future__ import annotations

import datetime as dt
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


def faults(reach: Reach) -> list[tuple[str, Any]]:
    """What is wrong with whom a draft means, as (field, words)."""
    if reach.audience == Audience.LEVEL and not 1 <= (reach.level or 0) <= 5:
        return [("level", _("Say from which level, 1 to 5."))]
    if reach.audience == Audience.SEGMENT and (reach.segment is None or reach.segment.club_id != reach.club_id):
        return [("segment", _("Choose a segment of this membership."))]
    return []
