"""What benefits hand out, who is meant by it, and what is still owed."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection

from django.db.models import QuerySet

from loyalty.models import Tier
from members.models import Member
from members.selectors import kin
from rewards.models import Benefit, BenefitUse, PackGift, PackItem
from rewards.selectors import audiences, catalogue, entitlements

PREFIX = "pack:"
"""A pack is a use of its benefit, under this and the name of its period."""


def contents(benefits: Collection[int] | None = None) -> dict[int, list[PackItem]]:
    """What benefits (by id; None = all) hand out. One query."""
    rows = PackItem.objects.filter(benefit__kind__in=Benefit.HANDED_OUT)
    rows = rows if benefits is None else rows.filter(benefit__in=benefits)
    found: dict[int, list[PackItem]] = defaultdict(list)
    for item in rows.select_related("reward__merchant", "reward__least_tier", "least_tier").order_by("pk"):
        found[item.benefit_id].append(item)
    return found


def costs() -> dict[int, int]:
    """What a whole pack costs, by benefit (id), in minor units. One query."""
    return {
        benefit: sum(item.quantity * item.reward.unit_cost for item in items) for benefit, items in contents().items()
    }


def fitting(items: Collection[PackItem], tier: Tier | None, coupons: Tier | None) -> list[PackItem]:
    """The items for a member of a tier: those whose own tier, and whose reward's (S2-49), she has reached."""
    rank = tier.rank if tier else 0
    asked = ((item, (item.least_tier, catalogue.least_tier(item.reward, coupons))) for item in items)
    return [item for item, tiers in asked if all(least is None or least.rank <= rank for least in tiers)]


def people(at: dt.datetime) -> QuerySet[Member]:
    """The active members who may have a pack, or are owed a part of one."""
    benefits = set(contents())
    grants = [
        g for g in entitlements.granted(at) if any(b.pk in benefits for b, _allowance in entitlements.contents(g))
    ]
    meant = audiences.members(grants, at, given=benefits)
    waiting = kin.remaining(Member.objects.filter(pk__in=owed().values("use__member")))
    return meant | waiting.filter(status=Member.Status.ACTIVE)


def owed() -> QuerySet[PackGift]:
    """Gifts that were not there when their packs were handed out."""
    return PackGift.objects.filter(redemption=None)


def had(members: Collection[int]) -> set[tuple[int, int, str]]:
    """The packs that members had, or those who were merged into them (E58): member, benefit, key. Two queries."""
    heirs = kin.heirs(members)
    rows = BenefitUse.objects.filter(member__in=heirs, key__startswith=PREFIX)
    found = rows.order_by().values_list("member_id", "benefit_id", "key")
    return {(heirs[member], benefit, key) for member, benefit, key in found}
