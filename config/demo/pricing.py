"""The demo's member prices: for PLUS, for gold, for the club's level, by quantity; and a rebate for businesses."""

from __future__ import annotations

import datetime as dt
from random import Random

from common import clock
from common.models import Staff
from common.services import audit
from config.demo import catalogue, stories
from loyalty.models import Tier
from members.models import Plan
from merchants.models import Club, MemberPrice, Merchant, PriceLadder, PriceStep, RebateScheme, RebateStep
from merchants.selectors import rebates as periods
from merchants.services import prices, rebates

Who = MemberPrice.Who


def set_up(end: dt.datetime, owner: Staff) -> None:
    """Prices of the electronics merchant; a second time it changes nothing."""
    merchant = Merchant.objects.get(code="lantu")
    if MemberPrice.objects.filter(merchant=merchant).exists():
        return
    actor = audit.Actor(label=owner.username, staff=owner)
    since = clock.day_start(clock.local_date(end)) - dt.timedelta(days=7)
    prices.put(merchant, _rows(since), actor, end)
    ladder = PriceLadder.objects.create(
        merchant=merchant, name="Office bulk 办公批量", category="stationery", starts_at=since
    )
    for quantity, percent in ((10, 5), (50, 12)):
        PriceStep.objects.create(ladder=ladder, from_quantity=quantity, percent_off=percent)
    scheme = RebateScheme.objects.create(merchant=merchant, name="Business rebate 企业返利")
    for spend, percent in ((1_000_00, 1), (10_000_00, 3)):
        RebateStep.objects.create(scheme=scheme, from_spend=spend, percent=percent)
    first, _after = periods.period_of(scheme.period, clock.local_date(end))
    rebates.start(scheme, first, actor, end)


def _rows(since: dt.datetime) -> list[MemberPrice]:
    """The first products of the merchant's stores: 5 % off for PLUS, 3 % for gold and above, 8 % from the club's level 2."""
    shelves = catalogue.stock(Random(stories.SEED))
    sold = [product for shelf in shelves.values() for product in shelf if product.store.startswith("lantu")][:6]
    club = Club.objects.get(merchant__code="lantu")
    rows = []
    for number, product in enumerate(sold):
        shared = {"sku": product.sku, "starts_at": since}
        rows.append(MemberPrice(who=Who.PLAN, plan=Plan.objects.get(code="plus"), price=_off(product, 5), **shared))
        if number % 2:
            rows.append(MemberPrice(who=Who.TIER, tier=Tier.objects.get(code="gold"), price=_off(product, 3), **shared))
        else:
            rows.append(MemberPrice(who=Who.CLUB, club=club, level=2, price=_off(product, 8), **shared))
    return rows


def _off(product: catalogue.Product, percent: int) -> int:
    """Rounded down to whole yuan, less 10 fen: the way prices end here."""
    return max(product.price * (100 - percent) // 10_000 * 100 - 10, 10)
