"""What a sponsor's money has brought in a month: rewards taken, coupons used, plays, members, orders, and who paid (S2-58c).

Impressions are not known here, so nothing is said of them. What was cancelled or returned is left out.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum

from common import clock
from loyalty.models import OrderLine
from merchants.models import Merchant, Store
from rewards.models import Play, Redemption
from rewards.selectors import catalogue, sponsor_statements


@dataclass(frozen=True, slots=True)
class Exposure:
    """One sponsor's month. Money is in minor units; `members` are different persons.

    `taken` were paid for with points, `given` came in packs and as prizes; `used` are those of both that have been used so
    far. `plays` are of games that had a prize of the sponsor's. `orders` used a coupon of that month and have lines in the
    sponsor's stores; `cash` is what was paid for those and not refunded. `owed` is the month's sum of the sponsor's own
    statement, from which later months deduct what is given back in them.
    """

    merchant: Merchant
    taken: int
    given: int
    used: int
    members: int
    plays: int
    orders: int
    cash: int
    sponsor_cost: int
    platform_cost: int
    owed: int

    @property
    def cost(self) -> int:
        return self.sponsor_cost + self.platform_cost


def of(month: dt.date, merchants: Collection[int] | None = None) -> list[Exposure]:
    """By sponsor, the costliest first, for the month that begins on a day; `merchants` (ids) narrows it. Six queries."""
    end = clock.months_after(month, 1)
    redemptions = Redemption.objects.filter(merchant__isnull=False, taken_on__gte=month, taken_on__lt=end)
    redemptions = redemptions.exclude(status__in=catalogue.GONE).order_by()
    plays = Play.objects.filter(
        played_on__gte=month, played_on__lt=end, version__prizes__reward__merchant__isnull=False
    )
    if merchants is not None:
        redemptions = redemptions.filter(merchant__in=merchants)
        plays = plays.filter(version__prizes__reward__merchant__in=merchants)
    counted = {row.pop("merchant"): row for row in _counted(redemptions)}
    played = dict(_played(plays))
    orders, cash = _orders(redemptions)
    owed = sponsor_statements.owed(month, end, merchants)
    found = [
        Exposure(
            merchant=merchant,
            plays=played.get(merchant.pk, 0),
            orders=orders[merchant.pk],
            cash=cash[merchant.pk],
            owed=owed[merchant.pk],
            **counted.get(merchant.pk, _NOTHING),
        )
        for merchant in Merchant.objects.filter(pk__in=counted.keys() | played.keys() | owed.keys()).order_by("name")
    ]
    return sorted(found, key=lambda one: -one.cost)


_NOTHING = dict.fromkeys(("taken", "given", "used", "members", "sponsor_cost", "platform_cost"), 0)


def _counted(redemptions: QuerySet[Redemption]) -> QuerySet:
    return redemptions.values("merchant").annotate(
        taken=Count("pk", filter=Q(points__gt=0)),
        given=Count("pk", filter=Q(points=0)),
        used=Count("pk", filter=Q(status=Redemption.Status.USED)),
        members=Count("member", distinct=True),
        sponsor_cost=Sum("merchant_cost"),
        platform_cost=Sum(F("unit_cost") - F("merchant_cost")),
    )


def _played(plays: QuerySet[Play]) -> QuerySet:
    """(merchant, plays); a play of a game with two prizes of one sponsor counts once."""
    rows = plays.order_by().values("version__prizes__reward__merchant").annotate(count=Count("pk", distinct=True))
    return rows.values_list("version__prizes__reward__merchant", "count")


def _orders(redemptions: QuerySet[Redemption]) -> tuple[Counter[int], Counter[int]]:
    """By merchant: orders in which its coupons were used and that have lines in its stores, each once, and their cash."""
    own = Store.objects.filter(merchant=OuterRef(OuterRef("merchant"))).values("code")
    lines = OrderLine.objects.filter(order__code=OuterRef("order_code"), store_code__in=own).order_by().values("order")
    paid = lines.annotate(cash=Sum(F("cash") - F("refunded_cash"))).values("cash")
    used = redemptions.filter(status=Redemption.Status.USED).exclude(order_code="")
    rows = used.values("merchant", "order_code").distinct().annotate(paid=Subquery(paid))
    orders: Counter[int] = Counter()
    cash: Counter[int] = Counter()
    for merchant, amount in rows.filter(paid__isnull=False).values_list("merchant", "paid").iterator():
        orders[merchant] += 1
        cash[merchant] += amount
    return orders, cash
