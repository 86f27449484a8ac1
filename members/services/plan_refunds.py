"""What is paid back for a plan (domain.md F23): four policies, all in integers, rounded down once."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from members.models import PlanOffer, PlanPurchase
from members.selectors import plan_terms

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Use:
    """What was had from a term, in minor units: what it saved for good, and what claimed partners' rights cost by contract.

    `used` says whether any benefit was received, used or claimed (C21).
    """

    used: bool = False
    value: int = 0
    claimed: int = 0


def amount(policy: str, price: int, term_days: int, day: int, use: Use, *, refund_days: int = 7) -> int:
    """Minor units to pay back on day `day` (0 = the first 24 hours) of a term that cost `price`.

    Whatever the policy, what was claimed of partners is deducted at its contract price (E55).
    """
    prorata = price * max(term_days - day, 0) // term_days
    benefit = max(price - use.value, 0)
    back = {
        PlanOffer.Refunds.UNUSED: price if day < refund_days and not use.used else 0,
        PlanOffer.Refunds.PRORATA: prorata,
        PlanOffer.Refunds.BENEFIT: benefit,
        PlanOffer.Refunds.LEAST: min(prorata, benefit),
    }[PlanOffer.Refunds(policy)]
    return max(back - use.claimed, 0)


def due(purchase: PlanPurchase, use: Use, at: dt.datetime) -> int:
    """Minor units that a refund of this purchase pays back at an instant; nothing when its term is over."""
    offer, term = purchase.offer, purchase.subscription
    assert term is not None
    if term.ends_at <= at:
        return 0
    # A term that waits behind another one has not been used by anybody, however long ago it was bought.
    run = sum((part.run(at) for part in plan_terms.parts(term)), dt.timedelta())
    day = run // _DAY
    return amount(offer.refunds, purchase.price, offer.term_days, day, use, refund_days=offer.refund_days)
