"""What a campaign would do if it started now: whom it means, what it costs, and whether the purse has it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, F, QuerySet, Sum

from common import clock
from loyalty.models import OrderLine
from loyalty.selectors import anniversaries, balances
from merchants.models import Card, MerchantCampaign, Purse
from merchants.selectors import audiences, segments
from merchants.selectors import campaigns as selectors

Trigger = MerchantCampaign.Trigger
MONTH = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Preview:
    """`now` is what it gives at once, `month` what it gives in 30 days if they are like the last 30, both within the budget.

    `levels` counts the members meant by the level of their card; `missing` is what the purse lacks for the budget.
    """

    members: int
    levels: list[tuple[int, int]]
    now: int
    month: int
    budget: int
    purse: int

    @property
    def missing(self) -> int:
        return max(self.budget - self.purse, 0)


def of(campaign: MerchantCampaign, at: dt.datetime) -> Preview:
    """The preview of a campaign, saved or not. At most six queries."""
    cards = audiences.cards(campaign, at)
    levels = segments.by_level(cards)
    members = sum(count for _level, count in levels)
    now, month = _cost(campaign, cards, members, at)
    purse = Purse.objects.select_related("account").filter(merchant=campaign.club.merchant_id).first()
    return Preview(
        members=members,
        levels=levels,
        now=min(now, campaign.budget),
        month=min(month, campaign.budget),
        budget=campaign.budget,
        purse=balances.of(purse.account, at).available if purse else 0,
    )


def _cost(campaign: MerchantCampaign, cards: QuerySet[Card], members: int, at: dt.datetime) -> tuple[int, int]:
    each = min(campaign.points, campaign.cap or campaign.points)
    if campaign.trigger == Trigger.NOW:
        return members * each, members * each
    if campaign.trigger == Trigger.JOIN:
        return 0, cards.filter(joined_at__gte=at - MONTH).count() * each
    today = clock.local_date(at)
    if campaign.trigger == Trigger.BIRTHDAY:
        first, last = today - anniversaries.AFTER, today + anniversaries.BEFORE
        now = cards.filter(anniversaries.within("member__birthday", first, last)).count()
        month = cards.filter(anniversaries.within("member__birthday", first, last + MONTH)).count()
        return now * each, month * each
    orders, cash = _bought(campaign, cards, at)
    return 0, orders * each if campaign.money_unit is None else cash * campaign.points // campaign.money_unit


def _bought(campaign: MerchantCampaign, cards: QuerySet[Card], at: dt.datetime) -> tuple[int, int]:
    """Orders of the last 30 days at the club's stores that reach the least cash, and their cash."""
    lines = OrderLine.objects.filter(
        store_code__in=selectors.stores(campaign.club_id),
        order__completed_at__gte=at - MONTH,
        order__member__in=cards.values("member"),
    )
    orders = lines.order_by().values("order").annotate(kept=Sum(F("cash") - F("refunded_cash")))
    sums = orders.filter(kept__gte=max(campaign.least_cash, 1)).aggregate(orders=Count("order"), cash=Sum("kept"))
    return sums["orders"], sums["cash"] or 0
