"""Whether a like is honest (domain.md F13, E40): by whom, from where, since when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from loyalty.models import Order
from members.models import Member


@dataclass(frozen=True, slots=True)
class Liker:
    """What counts of somebody who likes."""

    registered_at: dt.datetime
    has_bought: bool


def known(external_ids: Collection[str]) -> dict[str, Liker]:
    """Those of the names that are active members, in one query."""
    bought = Order.objects.filter(member=OuterRef("pk"), status=Order.Status.COMPLETED)
    rows = (
        Member.objects.filter(external_id__in=external_ids, status=Member.Status.ACTIVE)
        .annotate(has_bought=Exists(bought))
        .values_list("external_id", "registered_at", "has_bought")
    )
    return {external_id: Liker(registered_at, has_bought) for external_id, registered_at, has_bought in rows}


def distrust(liker: Liker | None, *, author: str, by: str, device_seen: bool, at: dt.datetime, least_days: int) -> str:
    """Why a like does not count, or nothing."""
    if by == author:
        return "own_review"
    if liker is None:
        return "not_a_member"
    if device_seen:
        return "same_device"
    if not liker.has_bought:
        return "never_bought"
    if at < liker.registered_at + dt.timedelta(days=least_days):
        return "account_too_young"
    return ""
