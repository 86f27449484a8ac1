"""What is paid back for a plan (domain.md F23): four policies, all in integers, rounded down once."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from members.models import PlanOffer, PlanPurchase

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Use:
    """What was had from a term: whether any benefit was received or used, and what it saved for good (minor units)."""

    used: bool = False
    value: int = 0


def amount(policy: str, price: int, term_days: int, day: int, use: Use, *, refund_days: int = 7) -> int:
    """Minor units to pay back on day `day` (0 = the first 24 hours) of a term that cost `price`."""
    prorata = price * max(term_days - day, 0) // term_days
    benefit = max(price - use.value, 0)
    if policy == PlanOffer.Refunds.UNUSED:
        return price if day < refund_days and not use.used else 0
    if policy == PlanOffer.Refunds.PRORATA:
        return prorata
    if policy == PlanOffer.Refunds.BENEFIT:
        return benefit
    return min(prorata, benefit)


def due(purchase: PlanPurchase, use: Use, at: dt.datetime) -> int:
    """Minor units that a refund of this purchase pays back at an instant; a claimed partner's right is deducted (E55)."""
    offer, term = purchase.offer, purchase.subscription
    assert term is not None
    claimed = purchase.partner_claimed_at is not None
    # A term that waits behind another one has not been used by anybody, however long ago it was bought.
    begun = max(term.starts_at, purchase.paid_at or term.starts_at)
    day = max((at - begun) // _DAY, 0)
    use = Use(use.used or claimed, use.value)
    back = amount(offer.refunds, purchase.price, offer.term_days, day, use, refund_days=offer.refund_days)
    return max(back - (offer.partner_cost if claimed else 0), 0)
