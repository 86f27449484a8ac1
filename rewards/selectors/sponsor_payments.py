"""What each sponsor owes for a month, what of it was paid, and what is open (domain.md S1-04, S2-58c). Minor units."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Sum

from common import clock
from merchants.models import Merchant
from rewards.models import SponsorPayment
from rewards.selectors import benefit_settlements, sponsor_statements


@dataclass(frozen=True, slots=True)
class Due:
    """A sponsor's month: owed for rewards and for benefits, and paid; below nothing is what the sponsor gets."""

    merchant: Merchant
    rewards: int
    benefits: int
    paid: int

    @property
    def owed(self) -> int:
        return self.rewards + self.benefits

    @property
    def open(self) -> int:
        return self.owed - self.paid


def of_month(month: dt.date, merchants: Collection[int] | None = None) -> list[Due]:
    """Everybody who owes, gets or has paid something for the month, by name; `merchants` narrows it. Seven queries."""
    rewards = sponsor_statements.owed(month, clock.months_after(month, 1), merchants)
    benefits = {
        party.pk: -amount
        for party, amount in benefit_settlements.of(month).nets
        if party and amount and (merchants is None or party.pk in merchants)
    }
    payments = SponsorPayment.objects.filter(month=month)
    paid = _sums(payments if merchants is None else payments.filter(merchant__in=merchants), "merchant")
    found = Merchant.objects.in_bulk({*rewards, *benefits, *paid}).values()
    return [
        Due(merchant, rewards[merchant.pk], benefits.get(merchant.pk, 0), paid[merchant.pk])
        for merchant in sorted(found, key=lambda merchant: (merchant.name, merchant.pk))
    ]


def paid(merchant: Merchant) -> Counter[dt.date]:
    """By month what the merchant has paid (or, below nothing, was paid). One query."""
    return _sums(SponsorPayment.objects.filter(merchant=merchant), "month")


def _sums(payments, key: str) -> Counter:
    sums = payments.order_by().values_list(key).annotate(money=Sum("amount"))
    return Counter({one: money for one, money in sums if money})
