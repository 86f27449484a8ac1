"""Revenue of plans, straight-line over the term (domain.md F23): what is earned by a day, and what is still owed in service.

For one purchase: earned by day d = ⌊price · days / term⌋, all of it at the end; what was paid back is taken off what was
not earned first. Minor units.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Case, Count, F, Sum, When
from django.db.models.functions import TruncDate

from common import clock
from members.models import Plan, PlanPurchase

# Subscription.began_at, in SQL.
_BEGAN_AT = Case(
    When(
        subscription__origin__ends_at__gt=F("subscription__origin__starts_at"),
        then="subscription__origin__starts_at",
    ),
    default="subscription__starts_at",
)


@dataclass(frozen=True, slots=True)
class Revenue:
    """`sold` − `refunded` = `earned` + `deferred`, exactly."""

    sold: int = 0
    refunded: int = 0
    earned: int = 0

    @property
    def deferred(self) -> int:
        return self.sold - self.refunded - self.earned

    def __add__(self, other: Revenue) -> Revenue:
        return Revenue(self.sold + other.sold, self.refunded + other.refunded, self.earned + other.earned)


def of(purchase: PlanPurchase, day: dt.date) -> Revenue:
    """What one purchase has earned by the end of a local day."""
    term = purchase.subscription
    if term is None or purchase.paid_at is None or clock.local_date(purchase.paid_at) > day:
        return Revenue()
    refunded = purchase.refunded_at is not None and clock.local_date(purchase.refunded_at) <= day
    if refunded:
        return Revenue(purchase.price, purchase.refund, purchase.price - purchase.refund)
    begun = clock.local_date(term.began_at)
    return Revenue(purchase.price, 0, _earned(purchase.price, purchase.offer.term_days, begun, day))


def total(purchases: Iterable[PlanPurchase], day: dt.date) -> Revenue:
    """The sum over purchases, each rounded down once."""
    result = Revenue()
    for purchase in purchases:
        result += of(purchase, day)
    return result


def of_plan(plan: Plan, day: dt.date) -> Revenue:
    """The sum over all purchases of a plan, as they stand; terms that began on one day at one price are reckoned at once.

    Two queries, whatever the number of purchases.
    """
    bought = PlanPurchase.objects.filter(offer__plan=plan, paid_at__lt=clock.day_end(day), subscription__isnull=False)
    back = bought.filter(status=PlanPurchase.Status.REFUNDED).aggregate(sold=Sum("price"), refunded=Sum("refund"))
    sold, refunded = back["sold"] or 0, back["refunded"] or 0
    result = Revenue(sold, refunded, sold - refunded)
    running = bought.filter(status=PlanPurchase.Status.PAID).order_by()
    groups = running.values("price", "offer__term_days", begun=TruncDate(_BEGAN_AT, tzinfo=clock.zone()))
    for group in groups.annotate(count=Count("pk")):
        price, count = group["price"], group["count"]
        earned = _earned(price, group["offer__term_days"], group["begun"], day)
        result += Revenue(price * count, 0, earned * count)
    return result


def _earned(price: int, term_days: int, begun: dt.date, day: dt.date) -> int:
    """What a term has earned by the end of a local day, rounded down."""
    return price * min(max((day - begun).days + 1, 0), term_days) // term_days
