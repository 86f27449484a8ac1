"""Revenue of plans, straight-line over the term (domain.md F23): what is earned by a day, and what is still owed in service.

For one purchase: earned by day d = ⌊price · days / term⌋, all of it at the end; what was paid back is taken off what was
not earned first. Minor units.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from common import clock
from members.models import PlanPurchase


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
    begun = clock.local_date(term.starts_at)
    passed = min(max((day - begun).days + 1, 0), purchase.offer.term_days)
    return Revenue(purchase.price, 0, purchase.price * passed // purchase.offer.term_days)


def total(purchases: Iterable[PlanPurchase], day: dt.date) -> Revenue:
    """The sum over purchases, each rounded down once."""
    result = Revenue()
    for purchase in purchases:
        result += of(purchase, day)
    return result
