"""What conduct ratings rest on, for many members at once; and where members stand, for the conditions of risk rules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import NamedTuple

from django.db.models import Count, QuerySet

from loyalty.models import ConductRating, DeliveryRefusal, Refund, Standing
from loyalty.models.conduct import NEUTRAL
from members.models import RiskListing, RiskRefusal
from members.models.risk_words import Conduct as Band
from members.models.risk_words import Outcome
from members.services import risk_standings

YEAR = dt.timedelta(days=365)


class Grounds(NamedTuple):
    """Of one member, over the last 365 days; `coefficient` in per cent (F2: smoothed, without what the seller did)."""

    coefficient: int = NEUTRAL
    chargebacks: int = 0
    refusals: int = 0
    deliveries: int = 0
    denied: int = 0
    outlawed: int = 0


def grounds(member_ids: Collection[int], at: dt.datetime) -> dict[int, Grounds]:
    """By member, of those of whom anything is known. Six statements. What was contested successfully does not count."""
    since = at - YEAR
    denials = RiskListing.objects.in_force(at).filter(kind=RiskListing.Kind.DENY, member__in=member_ids)
    refusals = RiskRefusal.objects.filter(
        member__in=member_ids, is_shadow=False, outcome__in=[Outcome.REFUSE, Outcome.BLOCK], at__gt=since, at__lte=at
    ).exclude(appeal__status="upheld")
    chargebacks = Refund.objects.filter(
        order__member__in=member_ids, reason=Refund.Reason.CHARGEBACK, at__gt=since, at__lte=at
    )
    deliveries = DeliveryRefusal.objects.filter(member__in=member_ids, at__gt=since, at__lte=at)
    standings = Standing.objects.filter(member__in=member_ids).exclude(coefficient_percent=NEUTRAL)
    parts = {
        "coefficient": dict(standings.values_list("member_id", "coefficient_percent")),
        "chargebacks": _counted(chargebacks, "order__member_id"),
        "refusals": _counted(refusals, "member_id"),
        "deliveries": _counted(deliveries, "member_id"),
        "denied": _counted(denials, "member_id"),
        "outlawed": _counted(denials.filter(actions=[]), "member_id"),
    }
    found: set[int] = set().union(*parts.values())
    return {
        pk: Grounds()._replace(**{name: by_member[pk] for name, by_member in parts.items() if pk in by_member})
        for pk in found
    }


def _counted(rows: QuerySet, member: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(member).annotate(total=Count("pk")))


def standings(member_ids: Collection[int], at: dt.datetime) -> dict[int, risk_standings.Standing]:
    """Tier and conduct of members, as risk rules ask for them. Two statements."""
    tiers = dict(Standing.objects.filter(member__in=member_ids).values_list("member_id", "tier__code"))
    bands = {row.pk: row.stands(at) for row in ConductRating.objects.filter(pk__in=member_ids)}
    return {
        pk: risk_standings.Standing(tiers.get(pk) or "", bands.get(pk, str(Band.ORDINARY.value))) for pk in member_ids
    }
