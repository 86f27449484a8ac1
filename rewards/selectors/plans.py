"""The paid plans as one member sees them: terms, prices, reasons why not, savings."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.utils.translation import gettext

from members.models import AutoRenewal, Member, Plan, PlanDiscount, PlanOffer, PlanPurchase, SalesChannel
from members.services import plan_quotes
from members.services import plans as terms
from members.services.plan_quotes import Price
from rewards.selectors import plan_buyers, savings
from rewards.selectors.savings import Saving


@dataclass(frozen=True, slots=True)
class OfferRow:
    """An offer at this member's price."""

    offer: PlanOffer
    price: Price
    reasons: list[dict[str, Any]]

    @property
    def because(self) -> str | None:
        """Why it costs less, in words."""
        return words(self.price.discount) if self.price.discount else None


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan with what this member has of it."""

    plan: Plan
    until: dt.datetime | None
    renews: str | None
    estimate: Saving | None
    saved: Saving | None
    offers: list[OfferRow] = field(default_factory=list)


def on_sale(at: dt.datetime) -> QuerySet[PlanOffer]:
    """Offers that can be bought at an instant."""
    rows = PlanOffer.objects.filter(Q(ends_at=None) | Q(ends_at__gt=at), status=PlanOffer.Status.ACTIVE)
    discounts = Prefetch("discounts", PlanDiscount.objects.select_related("channel"))
    return rows.filter(starts_at__lte=at).select_related("plan").prefetch_related(discounts).order_by("plan", "fee")


def of(member: Member, at: dt.datetime) -> list[PlanRow]:
    """Every plan that is on sale or runs, with the member's prices at the shop's own checkout."""
    buyer = plan_buyers.of(member, at)
    direct = SalesChannel.objects.filter(kind=SalesChannel.Kind.DIRECT, is_active=True).first() or SalesChannel()
    running = {
        purchase.offer.plan_id: purchase
        for purchase in PlanPurchase.objects.select_related("offer__plan", "subscription", "member").filter(
            member=member,
            status=PlanPurchase.Status.PAID,
            subscription__starts_at__lte=at,
            subscription__ends_at__gt=at,
        )
    }
    renewing = dict(
        AutoRenewal.objects.filter(member=member, ended_at=None).values_list("offer__plan_id", "offer__code")
    )
    offers: dict[Plan, list[OfferRow]] = {}
    for offer in on_sale(at):
        row = OfferRow(
            offer, plan_quotes.price(offer, direct, buyer, at), plan_quotes.reasons_against(member, offer, buyer, at)
        )
        offers.setdefault(offer.plan, []).append(row)
    for purchase in running.values():
        offers.setdefault(purchase.offer.plan, [])
    return [_row(member, plan, rows, running.get(plan.pk), renewing.get(plan.pk), at) for plan, rows in offers.items()]


def _row(
    member: Member,
    plan: Plan,
    offers: list[OfferRow],
    purchase: PlanPurchase | None,
    renews: str | None,
    at: dt.datetime,
) -> PlanRow:
    estimate = savings.estimate(member, plan, at) if purchase is None else None
    return PlanRow(
        plan=plan,
        until=terms.runs_until(member, plan, at),
        renews=renews,
        estimate=estimate if estimate is not None and estimate.is_claimed else None,
        saved=savings.saved(purchase, at) if purchase else None,
        offers=offers,
    )


def words(discount: PlanDiscount) -> str:
    """For whom a discount is."""
    if discount.kind == PlanDiscount.Kind.SCORE:
        return gettext("For a value score above %(above)d") % {"above": discount.above}
    if discount.kind == PlanDiscount.Kind.CHANNEL:
        return gettext("Through %(channel)s") % {"channel": discount.channel}
    return gettext("For a time")
