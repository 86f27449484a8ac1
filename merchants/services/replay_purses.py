"""Recorded orders with purses: every merchant buys points and gives one for each 10.00 that an order brought.

What each purse must have given is added up from the events alone (replay.Expected); here it is compared with the books.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, QuerySet, Sum
from django.db.models.expressions import Combinable

from common.services import audit
from loyalty.models import Account, Lot
from merchants.models import CampaignGrant, Club, MerchantCampaign, PointPurchase, Purse
from merchants.selectors import tariffs
from merchants.services import campaigns, purchases
from merchants.services.replay import GIFT_UNIT

NAME = "Replay"
DAYS = 3660
_ACTOR = audit.Actor("replay")


@dataclass(frozen=True, slots=True)
class Balance:
    """Where a purse's points are: `bought` is the sum of all others if nothing was lost."""

    bought: int
    purse: int
    pockets: int
    wallets: int
    used: int

    @property
    def given(self) -> int:
        """What members got and kept, whether they have used it or not."""
        return self.wallets + self.used


def fund(budgets: Mapping[str, int], at: dt.datetime) -> int:
    """A purse and a running campaign for the membership of each store, with a budget by code; how many. Twice is once.

    Half as much again is bought, so that something stays in the purse.
    """
    clubs = Club.objects.filter(stores__code__in=budgets).exclude(merchantcampaigns__name=NAME)
    for club in clubs.select_related("merchant").order_by("pk"):
        _fund(club, budgets[club.merchant.code], at)
    return len(budgets)


@transaction.atomic
def _fund(club: Club, budget: int, at: dt.datetime) -> None:
    points = max(budget * 3 // 2, tariffs.current().least)
    purchase = purchases.draft(club.merchant, points=points, actor=_ACTOR, at=at)
    purchases.submit(purchase, actor=_ACTOR, at=at)
    purchases.approve(purchase, bank_reference=NAME, actor=_ACTOR, at=at)
    campaign = MerchantCampaign(
        club=club, name=NAME, trigger=MerchantCampaign.Trigger.ORDER, points=1, money_unit=GIFT_UNIT,
        budget=budget, days=DAYS, starts_at=at, ends_at=at + dt.timedelta(days=DAYS),
    )  # fmt: skip
    campaigns.start(campaigns.draft(campaign, _ACTOR, at), _ACTOR, at)


def balances() -> dict[str, Balance]:
    """Where the points of every purse are, by the merchant's code. Five queries."""
    credited = PointPurchase.objects.filter(status=PointPurchase.Status.CREDITED)
    bought = _sums(credited, "merchant", F("points") - F("refunded_points"))
    pockets = _sums(Account.objects.filter(pocket__isnull=False), "pocket__purse", F("available"))
    kept = _sums(CampaignGrant.objects.all(), "campaign__club__merchant", F("points") - F("returned"))
    in_wallets = Lot.objects.filter(account__kind=Account.Kind.MEMBER, funder__purse__isnull=False)
    wallets = _sums(in_wallets, "funder__purse", F("remaining"))
    return {
        purse.merchant.code: Balance(
            bought=bought[purse.pk],
            purse=purse.account.available,
            pockets=pockets[purse.pk],
            wallets=wallets[purse.pk],
            used=kept[purse.pk] - wallets[purse.pk],
        )
        for purse in Purse.objects.select_related("merchant", "account")
    }


def differences(given: Mapping[str, int]) -> list[str]:
    """Purses that lost or made a point, or gave another sum than the orders say; empty if every purse is right."""
    return [
        f"{code}: {balance}, expected to give {given[code]}"
        for code, balance in sorted(balances().items())
        if balance.bought != balance.purse + balance.pockets + balance.given or balance.given != given[code]
    ]


def _sums(rows: QuerySet, by: str, what: Combinable) -> Counter[int]:
    """Sums by merchant."""
    return Counter(dict(rows.order_by().values(by).annotate(sum=Sum(what)).values_list(by, "sum")))
