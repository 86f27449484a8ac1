"""How a paid plan does: who has it, what they spend beside others, who goes on, what it earns (domain.md S1-23)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet, Sum

from common import clock
from loyalty.models import MemberStats
from members.models import Member, Plan, PlanPurchase, Subscription
from members.selectors import plan_revenue
from members.selectors.plan_revenue import Revenue

GOES_ON_WITHIN = dt.timedelta(days=30)
"""Who comes back later was won anew."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Money in minor units. Spend is a head, of the last twelve months, by members with an order in them; rounded down."""

    members: int
    spend_with: int | None
    spend_without: int | None
    ended: int
    renewed: int
    revenue: Revenue

    @property
    def renewal_percent(self) -> int | None:
        """Of the terms that ended in twelve months, so many went on; rounded down. None = none has ended."""
        return 100 * self.renewed // self.ended if self.ended else None


def of(plan: Plan, at: dt.datetime) -> Figures:
    """A plan in figures. Seven queries."""
    running = Subscription.objects.filter(plan=plan, starts_at__lte=at, ends_at__gt=at)
    having = Exists(running.filter(member=OuterRef("pk")))
    ended = _ended(plan, at)
    follows = Subscription.objects.filter(
        member=OuterRef("member"),
        plan=plan,
        starts_at__gte=OuterRef("ends_at"),
        starts_at__lte=OuterRef("ends_at") + GOES_ON_WITHIN,
        ends_at__gt=OuterRef("ends_at"),
    )
    return Figures(
        members=running.values("member").distinct().count(),
        spend_with=_spend(Member.objects.filter(having)),
        spend_without=_spend(Member.objects.exclude(having)),
        ended=ended.count(),
        renewed=ended.filter(Exists(follows)).count(),
        revenue=plan_revenue.of_plan(plan, clock.local_date(at)),
    )


def _ended(plan: Plan, at: dt.datetime) -> QuerySet[Subscription]:
    """Bought terms that came to their end in the last twelve months; neither trials nor what was paid back."""
    since = clock.day_start(clock.months_after(clock.local_date(at), -12))
    ended = Subscription.objects.filter(plan=plan, ends_at__gt=since, ends_at__lte=at)
    return ended.filter(purchase__status=PlanPurchase.Status.PAID).exclude(purchase__kind=PlanPurchase.Kind.TRIAL)


def _spend(members: QuerySet[Member]) -> int | None:
    """What a member spent in twelve months, by last night's figures; None = nobody did."""
    stats = MemberStats.objects.filter(member__in=members, orders_12m__gt=0)
    total = stats.aggregate(sum=Sum("net_cash_12m"))["sum"]
    return None if total is None else total // stats.count()
