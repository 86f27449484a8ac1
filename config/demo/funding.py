"""The demo's points of merchants: bought, approved, waiting; a campaign that is over, one that runs, a draft; a month settled."""

from __future__ import annotations

import datetime as dt

from common import clock
from common.models import Staff
from common.services import audit
from merchants.models import Card, Club, Merchant, MerchantCampaign, PointPack, PointPurchase
from merchants.services import campaign_joins, campaign_sends, campaigns, purchases, purses, settlements

Trigger = MerchantCampaign.Trigger
DAY = dt.timedelta(days=1)
PACKS = (
    ("starter", "Starter pack 入门包", 10_000, 100_00),
    ("standard", "Standard pack 标准包", 50_000, 495_00),
    ("large", "Large pack 大包", 200_000, 1_950_00),
)


def set_up(end: dt.datetime, owners: dict[str, Staff], finance: Staff) -> None:
    """Points for both merchants and three campaigns for one; a second time it changes nothing."""
    for code, name, points, price in PACKS:
        PointPack.objects.get_or_create(code=code, defaults={"name": name, "points": points, "price": price})
    if PointPurchase.objects.exists():
        return
    bank = audit.Actor(label=finance.username, staff=finance)
    for merchant, pack, low_at in (("lantu", "standard", 5_000), ("moxiang", "starter", 20_000)):
        actor = audit.Actor(label=owners[merchant].username, staff=owners[merchant])
        company = Merchant.objects.get(code=merchant)
        _buy(company, pack, actor, end - 12 * DAY, bank)
        purses.warn_below(purses.of(company), low_at, actor=actor, at=end)
    lan = audit.Actor(label=owners["lantu"].username, staff=owners["lantu"])
    _buy(Merchant.objects.get(code="lantu"), "large", lan, end - DAY, None)
    _give(Club.objects.get(merchant__code="lantu"), lan, end)
    _settle(end)


def _buy(merchant: Merchant, pack: str, actor: audit.Actor, at: dt.datetime, bank: audit.Actor | None) -> None:
    """Drafted and submitted; paid if finance has seen the money."""
    purchase = purchases.draft(merchant, pack=PointPack.objects.get(code=pack), actor=actor, at=at)
    purchases.submit(purchase, actor=actor, at=at)
    if bank:
        purchases.approve(purchase, bank_reference=f"BANK-{merchant.code}", actor=bank, at=at + DAY)


def _give(club: Club, actor: audit.Actor, end: dt.datetime) -> None:
    """Members got a thank-you, new ones get a welcome, and a week of double joy is being prepared."""
    thanks = _campaign(
        club,
        "Autumn thanks 秋日回馈",
        Trigger.NOW,
        20,
        5_000,
        end - 10 * DAY,
        end - dt.timedelta(minutes=1),
        "promotion",
    )
    campaigns.start(thanks, actor, end - 10 * DAY)
    campaign_sends.send(thanks, end - dt.timedelta(minutes=2))
    campaigns.end(thanks, end)
    welcome = _campaign(club, "Welcome gift 入会礼", Trigger.JOIN, 100, 5_000, end - 9 * DAY, end + 30 * DAY)
    campaigns.start(welcome, actor, end - 9 * DAY)
    for card in Card.objects.filter(club=club, joined_at__gte=end - 9 * DAY).select_related("member").order_by("pk"):
        campaign_joins.give(str(club.uuid), card.member.external_id, end)
    _campaign(
        club,
        "Double week 双倍周",
        Trigger.ORDER,
        10,
        20_000,
        end + 7 * DAY,
        end + 14 * DAY,
        "promotion",
        money_unit=10_00,
    )


def _campaign(club, name, trigger, points, budget, starts_at, ends_at, mode="daily", **more) -> MerchantCampaign:
    return MerchantCampaign.objects.create(
        club=club, name=name, trigger=trigger, points=points, budget=budget, starts_at=starts_at, ends_at=ends_at, mode=mode,
        **more,
    )  # fmt: skip


def _settle(end: dt.datetime) -> None:
    """Last month, between merchants and platform."""
    month = clock.months_after(clock.local_date(end).replace(day=1), -1)
    settlement = settlements.compute(month, end)
    if settlements.may_close(settlement, end):
        settlements.close(settlement, actor=audit.Actor(label="demo"), at=end)
