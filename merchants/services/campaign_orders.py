"""Campaigns for orders: what is due for the cash that is kept at the club's own stores is given, and taken back by refunds."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence

from django.db import transaction
from django.db.models import Q

from loyalty.facts import PointsClawedBack
from loyalty.models import Lot, Order, OrderLine
from loyalty.services import clawbacks, wallets
from loyalty.services.desk import ClosedMember, Desk
from merchants.models import CampaignGrant, Card, MerchantCampaign
from merchants.selectors import audiences, campaigns
from merchants.services import giving
from merchants.services.giving import Wish

Trigger = MerchantCampaign.Trigger


def give(order_code: str, at: dt.datetime) -> list[CampaignGrant]:
    """Give for one completed order; a batch of one."""
    return give_all([(order_code, at)])


@transaction.atomic
def give_all(heard: Sequence[tuple[str, dt.datetime]]) -> list[CampaignGrant]:
    """Give what running campaigns promise for completed orders, by code and when they were told of.

    An order's own time decides which campaigns run for it, and whether the member had the card by then. What refunds
    have taken meanwhile is out: they may be heard of first. Two queries where no campaign runs.
    """
    told_at = dict(heard)
    found = Order.objects.select_related("member").filter(code__in=told_at, completed_at__isnull=False)
    orders = {order.code: order for order in found}
    running = _running(orders.values())
    if not running:
        return []
    names, at = {order.member.external_id for order in orders.values()}, max(told_at.values())
    wallets.lock(names, at)
    cards = audiences.of_members(running, names, at)
    by_club: dict[int, list[MerchantCampaign]] = defaultdict(list)
    for campaign in running:
        by_club[campaign.club_id].append(campaign)
    kept = campaigns.kept_of(orders.values(), by_club.keys())
    wishes = [
        _wish(campaign, cards[campaign.pk].get(orders[code].member.external_id), orders[code], cash, told_at[code])
        for code in told_at
        if code in orders
        for club_id, cash in sorted(kept[orders[code].pk].items())
        for campaign in by_club[club_id]
    ]
    return giving.give_all([wish for wish in wishes if wish], at)


def _running(orders: Collection[Order]) -> list[MerchantCampaign]:
    """The campaigns for orders at the stores of some orders, at the time of one of them at least."""
    times = [order.completed_at for order in orders if order.completed_at]
    if not times:
        return []
    stores = OrderLine.objects.filter(order__in=orders).order_by().values("store_code")
    asked = campaigns.between(min(times), max(times)).filter(trigger=Trigger.ORDER, club__stores__code__in=stores)
    return list(asked.distinct().select_related("club__merchant", "segment").order_by("pk"))


def _wish(campaign: MerchantCampaign, card: Card | None, order: Order, cash: int, at: dt.datetime) -> Wish | None:
    """What a campaign promises for the cash that is kept of an order, if it does."""
    points, bought_at = campaigns.due(campaign, cash), order.completed_at
    if card is None or bought_at is None or points <= 0:
        return None
    is_due = campaigns.covers(campaign, bought_at) and card.joined_at <= bought_at
    return Wish(campaign, card, f"order:{order.code}", points, at) if is_due else None


@transaction.atomic
def take_back(order_code: str, at: dt.datetime) -> int:
    """Take back what is no longer due of what campaigns gave for an order (cumulative, F11); return how many points.

    What is due is asked anew for the cash that is kept, least cash included, and is never more than was given. It comes
    from the gift's own points, then as the programme says (clawbacks.take): other points, a debt, or it is let go. What
    is taken returns to the merchant's purse; what becomes a debt or had expired unspent does not.
    """
    given = CampaignGrant.objects.filter(occasion=f"order:{order_code}", points__gt=0).select_related("card__member")
    found = list(given.order_by("pk"))
    if not found:
        return 0
    order = Order.objects.get(code=order_code)
    desk = Desk(sorted({grant.card.member.external_id for grant in found}), at)
    # Read again under the lock.
    locked = CampaignGrant.objects.select_related("campaign__club__merchant", "card__member", "lot")
    total = sum(_take_back(desk, grant, order) for grant in locked.filter(pk__in=[g.pk for g in found]).order_by("pk"))
    desk.close()
    return total


def _take_back(desk: Desk, grant: CampaignGrant, order: Order) -> int:
    campaign = grant.campaign
    due = min(campaigns.due(campaign, campaigns.kept(order, campaign.club_id)), grant.points)
    points = grant.points - grant.returned - due
    if points <= 0:
        return 0
    try:
        wallet = desk.wallet(grant.card.member.external_id)
    except ClosedMember:
        return 0
    lots = _lots(desk, grant)
    # Each refund of an order has a name of its own in the ledger: by what had come back before it.
    reference = f"{giving.reference(campaign, grant.occasion)}/{grant.returned + points}"
    taken = clawbacks.take(desk, wallet, points, lots, reference=reference)
    desk.change(grant, returned=grant.returned + points)
    if taken.points or taken.debt:
        desk.publish(PointsClawedBack(wallet.member.external_id, taken.points, taken.debt, reference))
    return points


def _lots(desk: Desk, grant: CampaignGrant) -> list[Lot]:
    """The gift's lot, and those it became when members were merged; their accounts are locked."""
    origin = Lot.Source.MERGE
    found = Lot.objects.filter(Q(pk=grant.lot_id) | Q(parent=grant.lot_id, source=origin)).order_by("pk")
    lots = list(found)
    desk.lock({lot.account_id for lot in lots} - desk.book.accounts.keys())
    return desk.book.adopt(lots)
