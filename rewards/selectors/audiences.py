"""Who is meant by grants: as a condition on members, and counted by tier."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from functools import reduce
from operator import or_

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from loyalty.models import MedalStanding, SegmentMember
from members.models import Member, Subscription
from members.selectors import kin
from merchants.models import Card, Club
from rewards.models import BenefitGrant, MemberGrant

Audience = BenefitGrant.Audience


def condition(grant: BenefitGrant, at: dt.datetime) -> Q:
    """Who belongs to the audience of a grant at an instant, as things stand now."""
    if grant.tier is not None:
        return Q(standing__tier__rank__gte=grant.tier.rank)
    if grant.threshold is not None:
        return Q(score__settled__gte=grant.threshold.least)
    mine = OuterRef("pk")
    if grant.medal_level is not None:
        medal, number = grant.medal_level.medal_id, grant.medal_level.number
        rows: QuerySet = MedalStanding.objects.filter(
            member=mine, medal=medal, medal__is_active=True, level__number__gte=number
        )
    elif grant.audience == Audience.PLAN:
        rows = Subscription.objects.filter(member=mine, plan=grant.plan_id, starts_at__lte=at, ends_at__gt=at)
    elif grant.audience == Audience.CLUB:
        rows = Card.objects.filter(
            member=mine, club=grant.club_id, level__gte=grant.club_level, status=Card.Status.ACTIVE
        ).filter(club__status__in=OPEN_CLUBS)
    else:
        rows = SegmentMember.objects.filter(member=mine, segment=grant.segment_id)
    return Q(Exists(rows))


OPEN_CLUBS = (Club.Status.OPEN, Club.Status.WINDING_DOWN)
"""A card of a club in another state gives nothing."""


def members(grants: Iterable[BenefitGrant], at: dt.datetime, *, given: Collection[int] = ()) -> QuerySet[Member]:
    """The active members whom one of the grants means, or to whom a benefit of `given` (ids) was given by itself.

    What was given to who was merged into another is the other's (domain.md E58).
    """
    conditions = [condition(grant, at) for grant in grants]
    if given:
        rows = MemberGrant.objects.in_force(at).filter(benefit__in=given)
        conditions.append(Q(pk__in=kin.remaining(Member.objects.filter(pk__in=rows.values("member")))))
    found = Member.objects.filter(status=Member.Status.ACTIVE).order_by()
    return found.filter(reduce(or_, conditions)) if conditions else found.none()


def by_tier(audience: QuerySet[Member]) -> dict[int | None, int]:
    """How many members of an audience stand in which tier (by id; None = in none). One query."""
    rows = audience.values("standing__tier").annotate(size=Count("pk")).values_list("standing__tier", "size")
    return dict(rows)
