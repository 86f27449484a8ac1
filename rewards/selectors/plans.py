"""The paid plans as one member sees them: terms, prices, reasons why not, savings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.utils.translation import gettext

from members.models import AutoRenewal, Member, Plan, PlanDiscount, PlanOffer, PlanPurchase, SalesChannel
from members.selectors import plan_terms
from members.services import plan_quotes
from members.services import plans as terms
from members.services.plan_quotes import Price
from rewards.models import PlanRight
from rewards.selectors import plan_buyers, plan_rights, savings
from rewards.selectors.plan_rights import RightRow
from rewards.selectors.savings import Saving


@dataclass(frozen=True, slots=True)
class OfferRow:
    """An offer at this member's price. `estimate` is of a year; None = nothing is claimed (F22)."""

    offer: PlanOffer
    price: Price
    reasons: list[dict[str, Any]]
    rights: list[PlanRight]
    estimate: Saving | None = None

    @property
    def because(self) -> str | None:
        """Why it costs less, in words."""
        return words(self.price.discount) if self.price.discount else None

    @property
    def saves(self) -> int | None:
        """What its term would save, by the last twelve months; minor units, rounded down."""
        return self.estimate.over(self.offer.term_days) if self.estimate else None

    @property
    def net(self) -> int | None:
        """The saving less the price: below 0 the plan does not pay for this member."""
        return self.saves - self.price.price if self.saves is not None else None

    @property
    def break_even(self) -> int | None:
        """So much spent within the term brings the price in; None = no spend does, or nothing is claimed."""
        return self.estimate.break_even(self.price.price) if self.estimate else None


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan with what this member has of it."""

    plan: Plan
    until: dt.datetime | None
    renews: str | None
    estimate: Saving | None
    saved: Saving | None
    offers: list[OfferRow]
    rights: list[RightRow]


def on_sale(at: dt.datetime) -> QuerySet[PlanOffer]:
    """Offers that can be bought at an instant."""
    rows = PlanOffer.objects.filter(Q(ends_at=None) | Q(ends_at__gt=at), status=PlanOffer.Status.ACTIVE)
    discounts = Prefetch("discounts", PlanDiscount.objects.select_related("channel"))
    rights = Prefetch("rights", PlanRight.objects.select_related("reward"))
    return (
        rows.filter(starts_at__lte=at)
        .select_related("plan")
        .prefetch_related(discounts, rights)
        .order_by("plan", "fee")
    )


def of(member: Member, at: dt.datetime) -> list[PlanRow]:
    """Every plan that is on sale or runs, with the member's prices at the shop's own checkout."""
    offers: dict[Plan, list[PlanOffer]] = {}
    for offer in on_sale(at):
        offers.setdefault(offer.plan, []).append(offer)
    running = _running(member, at)
    for purchase in running.values():
        offers.setdefault(purchase.offer.plan, [])
    agreed = AutoRenewal.objects.filter(member=member, ended_at=None)
    renewing = dict(agreed.values_list("offer__plan_id", "offer__code"))
    rights = plan_rights.of_member(member, at)
    found = []
    for plan, sold in offers.items():
        term = running.get(plan.pk)
        estimate = savings.estimate(member, plan, at) if term is None else None
        found.append(
            PlanRow(
                plan=plan,
                until=terms.runs_until(member, plan, at),
                renews=renewing.get(plan.pk),
                estimate=estimate if estimate is not None and estimate.is_claimed else None,
                saved=savings.saved(term, at) if term else None,
                offers=offer_rows(member, sold, estimate, at),
                rights=[row for row in rights if row.purchase.offer.plan_id == plan.pk],
            )
        )
    return found


def offer_rows(member: Member, offers: Iterable[PlanOffer], estimate: Saving | None, at: dt.datetime) -> list[OfferRow]:
    """Offers of one plan at the member's prices, with what each would save; too few orders claim nothing (F22). Five queries."""
    buyer, limits = plan_buyers.of(member, at), plan_quotes.Limits(member, at)
    direct = SalesChannel.objects.filter(kind=SalesChannel.Kind.DIRECT, is_active=True).first() or SalesChannel()
    return [
        OfferRow(
            offer=offer,
            price=plan_quotes.price(offer, direct, buyer, at),
            reasons=plan_quotes.reasons_against(member, offer, buyer, limits),
            rights=list(offer.rights.all()),
            estimate=estimate if estimate is not None and estimate.is_claimed else None,
        )
        for offer in offers
    ]


def _running(member: Member, at: dt.datetime) -> dict[int, PlanPurchase]:
    """The purchase whose term runs, by plan."""
    rows = plan_terms.bought_by(member).filter(
        status=PlanPurchase.Status.PAID, subscription__starts_at__lte=at, subscription__ends_at__gt=at
    )
    rows = rows.select_related("offer__plan", "subscription", "member")
    return {purchase.offer.plan_id: purchase for purchase in rows}


def words(discount: PlanDiscount) -> str:
    """For whom a discount is."""
    if discount.kind == PlanDiscount.Kind.SCORE:
        return gettext("For a value score above %(above)d") % {"above": discount.above}
    if discount.kind == PlanDiscount.Kind.CHANNEL:
        return gettext("Through %(channel)s") % {"channel": discount.channel}
    return gettext("For a time")
