"""Who owes whom for benefits that one merchant issued and another honoured (domain.md S1-04), month by month.

A use counts in the month in which it was made, its giving back in the month of that, so a month that is over stays as it
was. None stands for the platform. Money in minor units.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, F, Q, Sum

from common import clock
from merchants.models import Merchant
from rewards.models import BenefitUse


@dataclass(frozen=True, slots=True)
class Cell:
    """What an issuer owes a user for a month: `uses` less those given back, at the prices of their time."""

    issuer: Merchant | None
    user: Merchant | None
    uses: int
    amount: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """A month: every pair that owes something, and what each party gets (+) or pays (−) in all. The nets sum to zero."""

    month: dt.date
    cells: list[Cell]
    nets: list[tuple[Merchant | None, int]]


def of(month: dt.date) -> Settlement:
    """The matrix of the month that begins on a day. Three queries."""
    month = clock.month_start(month)
    end = clock.months_after(month, 1)
    sums: dict[tuple[int | None, int | None], list[int]] = defaultdict(lambda: [0, 0])
    # Who honours what it issued itself, or the platform its own, owes nobody.
    others = (
        BenefitUse.objects.filter(price__gt=0)
        .exclude(issuer=F("user"))
        .exclude(Q(issuer=None) & Q(user=None))
        .order_by()
    )
    for sign, day in ((1, "used_on"), (-1, "given_back_on")):
        rows = others.filter(**{f"{day}__gte": month, f"{day}__lt": end}).values_list("issuer", "user")
        for issuer, user, uses, amount in rows.annotate(uses=Count("pk"), amount=Sum("price")):
            sums[issuer, user][0] += sign * uses
            sums[issuer, user][1] += sign * amount
    parties: dict[int | None, Merchant | None] = dict(
        Merchant.objects.in_bulk({key for pair in sums for key in pair if key})
    )
    parties[None] = None
    nets: dict[int | None, int] = defaultdict(int)
    for (issuer, user), (_uses, amount) in sums.items():
        nets[issuer] -= amount
        nets[user] += amount
    cells = [Cell(parties[issuer], parties[user], *numbers) for (issuer, user), numbers in sums.items() if any(numbers)]
    cells.sort(key=lambda cell: (_name(cell.issuer), _name(cell.user)))
    named = sorted(((parties[key], amount) for key, amount in nets.items()), key=lambda net: _name(net[0]))
    return Settlement(month, cells, named)


def _name(party: Merchant | None) -> str:
    """The platform comes first."""
    return party.name if party else ""
