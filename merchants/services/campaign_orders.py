"""Campaigns for orders: what is due for the cash that is kept at the club's own stores is given, and taken back by refunds."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Q

from loyalty.facts import PointsClawedBack
from loyalty.models import Lot, Order
from loyalty.services import clawbacks, wallets
from loyalty.services.desk import ClosedMember, Desk
from merchants.models import CampaignGrant, MerchantCampaign
from merchants.selectors import audiences, campaigns
from merchants.services import giving

Trigger = MerchantCampaign.Trigger


@transaction.atomic
def give(order_code: str, at: dt.datetime) -> list[CampaignGrant]:
    """Give what running campaigns promise for a completed order; the order's own time decides which.

    The member had the card by then. What refunds have taken meanwhile is out: they may be heard of first.
    """
    order = Order.objects.select_related("member").filter(code=order_code, completed_at__isnull=False).first()
    if order is None or order.completed_at is None:
        return []
    asked = campaigns.on(order.completed_at).filter(trigger=Trigger.ORDER)
    asked = asked.filter(club__stores__code__in=order.lines.values("store_code")).distinct()
    running = list(asked.select_related("club__merchant", "segment").order_by("pk"))
    if not running:
        return []
    wallets.lock([order.member.external_id], at)
    return [grant for campaign in running for grant in _give(campaign, order, at)]


def _give(campaign: MerchantCampaign, order: Order, at: dt.datetime) -> list[CampaignGrant]:
    points = campaigns.due(campaign, campaigns.kept(order, campaign.club_id))
    if points <= 0:
        return []
    cards = audiences.cards(campaign, at).filter(member=order.member, joined_at__lte=order.completed_at)
    card = cards.select_related("member").first()
    grant = giving.give(campaign, card, f"order:{order.code}", points, at) if card else None
    return [grant] if grant else []


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
