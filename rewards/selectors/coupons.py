"""Coupons that a member has taken and not used."""

from __future__ import annotations

import datetime as dt

from django.db.models import F, Q

from members.models import Member
from rewards.models import Redemption, Reward
from rewards.selectors import catalogue

MOST = 100


def held(member: Member, at: dt.datetime) -> list[Redemption]:
    """The coupons that can still be used at an instant, the soonest to expire first; at most MOST. One query."""
    good = Q(expires_at__isnull=True) | Q(expires_at__gt=at)
    rows = catalogue.of_member(member).filter(
        good, status=Redemption.Status.DELIVERED, reward__kind=Reward.Kind.COUPON, code__isnull=False
    )
    return list(rows.select_related("reward", "code").order_by(F("expires_at").asc(nulls_last=True), "pk")[:MOST])
