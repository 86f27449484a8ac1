"""Merchants' campaigns: which run, what they promise for an occasion, and what came of them."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from loyalty.models import Draw, Entry, Lot, Order, OrderLine
from merchants.models import CampaignGrant, Club, ClubStore, MerchantCampaign

Status, Trigger = MerchantCampaign.Status, MerchantCampaign.Trigger


def on(at: dt.datetime) -> QuerySet[MerchantCampaign]:
    """The campaigns that give at an instant: running, and within their time even if the jobs are late."""
    return MerchantCampaign.objects.filter(status=Status.RUNNING, starts_at__lte=at, ends_at__gt=at)


def between(first: dt.datetime, last: dt.datetime) -> QuerySet[MerchantCampaign]:
    """The campaigns that give at some instant of a time; `covers` says whether at a given one."""
    return MerchantCampaign.objects.filter(status=Status.RUNNING, starts_at__lte=last, ends_at__gt=first)


def covers(campaign: MerchantCampaign, at: dt.datetime) -> bool:
    """Whether an instant lies within the campaign's time."""
    return campaign.starts_at <= at < campaign.ends_at


def running(club: Club, at: dt.datetime) -> bool:
    """Whether a campaign of the club is on or waits for its start: levels may not change meanwhile (domain.md section 2.6)."""
    return MerchantCampaign.objects.filter(club=club, status=Status.RUNNING, ends_at__gt=at).exists()


def due(campaign: MerchantCampaign, cash: int) -> int:
    """What a campaign for orders gives for cash that is kept at its stores, in points; rounded down once, at the end."""
    if cash <= 0 or cash < campaign.least_cash:
        return 0
    if campaign.money_unit is None:
        return campaign.points
    return int(Fraction(cash * campaign.points, campaign.money_unit))


def kept(order: Order, club_id: int) -> int:
    """Cash of the order's lines at the club's stores, after refunds, in minor units."""
    return kept_of([order], [club_id])[order.pk][club_id]


def kept_of(orders: Collection[Order], club_ids: Collection[int]) -> dict[int, Counter[int]]:
    """The same of many orders, by id of the order, then by club. Two queries."""
    clubs: dict[str, list[int]] = defaultdict(list)
    for club_id, store in ClubStore.objects.filter(club__in=club_ids).values_list("club_id", "store__code"):
        clubs[store].append(club_id)
    cash: dict[int, Counter[int]] = defaultdict(Counter)
    lines = OrderLine.objects.filter(order__in=orders, store_code__in=clubs)
    for order_id, store, paid, refunded in lines.values_list("order_id", "store_code", "cash", "refunded_cash"):
        for club_id in clubs[store]:
            cash[order_id][club_id] += paid - refunded
    return cash


def stores(club_id: int) -> QuerySet:
    """The codes of a club's stores, as order lines name them."""
    return ClubStore.objects.filter(club=club_id).values("store__code")


@dataclass(frozen=True, slots=True)
class Results:
    """What came of a campaign, in plain figures: they do not say that the campaign was the cause.

    `spent` is how many of the given points members have used; `orders` and `cash` (kept, at the club's stores) are those
    that members completed after their first gift.
    """

    given: int
    returned: int
    members: int
    refused: int
    spent: int
    left: int
    orders: int
    cash: int


def results(campaign: MerchantCampaign) -> Results:
    """What came of the campaign so far. Five queries."""
    grants = CampaignGrant.objects.filter(campaign=campaign)
    sums = grants.aggregate(
        given=Sum("points"),
        returned=Sum("returned"),
        members=Count("card", filter=Q(points__gt=0), distinct=True),
        refused=Count("pk", filter=Q(points=0)),
    )
    after = _afterwards(campaign)
    return Results(
        given=sums["given"] or 0,
        returned=sums["returned"] or 0,
        members=sums["members"],
        refused=sums["refused"],
        spent=_spent(grants),
        left=campaign.pockets.aggregate(left=Sum("available"))["left"] or 0,
        orders=after["orders"],
        cash=after["cash"] or 0,
    )


def _spent(grants: QuerySet[CampaignGrant]) -> int:
    """What was drawn from the campaign's lots by redemptions, wherever a merge has taken them."""
    lots = Lot.objects.filter(
        Q(pk__in=grants.values("lot")) | Q(parent__in=grants.values("lot"), source=Lot.Source.MERGE)
    )
    kinds = [Entry.Kind.REDEEM, Entry.Kind.HOLD, Entry.Kind.RELEASE, Entry.Kind.RESTORE]
    used = Entry.objects.filter(account=OuterRef("account"), seq=OuterRef("seq"), kind__in=kinds)
    lot = lots.filter(account=OuterRef("account"), lot_seq=OuterRef("lot_seq"))
    return Draw.objects.filter(Exists(lot), Exists(used)).aggregate(points=Sum("points"))["points"] or 0


def _afterwards(campaign: MerchantCampaign) -> dict:
    before = CampaignGrant.objects.filter(
        campaign=campaign, points__gt=0, card__member=OuterRef("order__member"), at__lt=OuterRef("order__completed_at")
    )
    lines = OrderLine.objects.filter(Exists(before), store_code__in=stores(campaign.club_id))
    return lines.aggregate(orders=Count("order", distinct=True), cash=Sum(F("cash") - F("refunded_cash")))


def with_sums(campaigns: QuerySet[MerchantCampaign]) -> QuerySet[MerchantCampaign]:
    """Campaigns with what they have `given`, for lists: no query a row."""
    grants = CampaignGrant.objects.filter(campaign=OuterRef("pk")).order_by().values("campaign")
    return campaigns.annotate(given=Coalesce(Subquery(grants.annotate(sum=Sum("points")).values("sum")), 0))
