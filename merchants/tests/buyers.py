"""Merchants with their stores, memberships and buyers, laid down as rows."""

from __future__ import annotations

import datetime as dt
from itertools import count

from common import clock
from loyalty.models import Order, OrderLine, Standing, Tier
from members.models import Consent, Member, Plan, Subscription
from merchants.models import Card, Club, ClubStore, MemberPrice, Merchant, PriceLadder, PriceStep, Store

NOON = dt.datetime(2026, 3, 1, 4, 0, tzinfo=dt.UTC)  # 12:00 in Shanghai
DAY = dt.timedelta(days=1)
_numbers = count(1)


def a_merchant(code: str = "acme", *stores: str) -> Merchant:
    """A merchant with its stores; one that bears its own code unless told otherwise."""
    merchant, _ = Merchant.objects.get_or_create(code=code, defaults={"name": code.title()})
    for store in stores or (code,):
        Store.objects.get_or_create(code=store, defaults={"name": store.title(), "merchant": merchant})
    return merchant


def a_club(merchant: Merchant, **values) -> Club:
    """An open membership of the merchant's first store."""
    values = {"name": f"{merchant.name} Club", "status": Club.Status.OPEN} | values
    club = Club.objects.create(merchant=merchant, **values)
    store = merchant.stores.order_by("pk").first()
    if store is not None and not ClubStore.objects.filter(store=store, scope=club.scope).exists():
        ClubStore.objects.create(club=club, store=store, scope=club.scope)
    return club


def a_member(external_id: str = "alice", **values) -> Member:
    """A member; made if there is none."""
    values = {"registered_at": NOON - 900 * DAY, "name": external_id.title()} | values
    return Member.objects.get_or_create(external_id=external_id, defaults=values)[0]


def a_card(member: Member, club: Club, *, level: int = 1, **values) -> Card:
    return Card.objects.create(member=member, club=club, level=level, **({"joined_at": NOON - 90 * DAY} | values))


def a_tier(code: str, rank: int) -> Tier:
    return Tier.objects.get_or_create(code=code, defaults={"name": code.title(), "rank": rank})[0]


def in_tier(member: Member, tier: Tier) -> Member:
    Standing.objects.update_or_create(member=member, defaults={"tier": tier})
    return member


def a_plan(code: str = "plus") -> Plan:
    return Plan.objects.get_or_create(code=code, defaults={"name": code.upper()})[0]


def subscribed(member: Member, plan: Plan, *, starts_at: dt.datetime = NOON - DAY, ends_at: dt.datetime = NOON + DAY):
    Subscription.objects.create(member=member, plan=plan, starts_at=starts_at, ends_at=ends_at)
    return member


def consents(member: Member, purpose: str, recipient: str = "") -> Consent:
    return Consent.objects.create(
        member=member, purpose=purpose, recipient=recipient, source="app", given_at=NOON - DAY
    )


def a_price(merchant: Merchant, price: int, *, sku: str = "sku-1", **values) -> MemberPrice:
    """A member price from a day ago until further notice; say `tier`, `plan` or `club` and `level`."""
    who = next(name for name in ("tier", "plan", "club") if name in values)
    values = {"starts_at": NOON - DAY, "created_at": NOON, "changed_at": NOON} | values
    return MemberPrice.objects.create(merchant=merchant, sku=sku, who=who, price=price, **values)


def a_ladder(merchant: Merchant, *steps: dict, **values) -> PriceLadder:
    values = {"name": f"ladder {next(_numbers)}", "starts_at": NOON - DAY} | values
    ladder = PriceLadder.objects.create(merchant=merchant, **values)
    for step in steps:
        PriceStep.objects.create(ladder=ladder, **step)
    return ladder


def bought(
    member: Member,
    store: str,
    cash: int,
    *,
    on: dt.date,
    category: str = "books",
    refunded: int = 0,
    sku: str = "sku-1",
) -> OrderLine:
    """A completed order of one line."""
    at = clock.day_start(on) + dt.timedelta(hours=12)
    order = Order.objects.create(
        code=f"order-{next(_numbers)}",
        member=member,
        status=Order.Status.COMPLETED,
        cash=cash,
        completed_at=at,
        completed_on=on,
    )
    return OrderLine.objects.create(
        order=order, number="1", sku=sku, category=category, store_code=store, cash=cash, refunded_cash=refunded
    )
