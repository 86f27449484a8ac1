"""What a basket costs a member before points: member prices, discounts in a category, free shipping. Minor units."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.utils.translation import gettext

from loyalty.services.occasions import Item
from members.models import Member, Plan
from merchants.selectors import prices
from merchants.selectors.prices import Buyer
from rewards.models import Benefit, BenefitGrant
from rewards.selectors import entitlements

DISCOUNT = "discount"


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms somebody buys: what prices ask of her, from where shipping is free, discounts by category."""

    buyer: Buyer
    free_shipping_from: int | None = None
    discounts: Mapping[str, int] = field(default_factory=dict)

    def with_plan(self, plan: Plan, grants: Sequence[BenefitGrant], at: dt.datetime) -> Terms:
        """The same with a paid plan besides; `grants` are those in force."""
        terms = replace(self, buyer=replace(self.buyer, plans=self.buyer.plans | {plan.pk}))
        for grant in grants:
            if grant.plan_id != plan.pk:
                continue
            for benefit, allowance in entitlements.contents(grant):
                if benefit.is_on(at) and allowance.value is not None:
                    terms = terms._better(benefit, allowance.value)
        return terms

    def _better(self, benefit: Benefit, value: int) -> Terms:
        if benefit.kind == Benefit.Kind.FREE_SHIPPING:
            known = self.free_shipping_from
            return replace(self, free_shipping_from=value if known is None else min(known, value))
        if benefit.kind == Benefit.Kind.CATEGORY_DISCOUNT:
            best = max(self.discounts.get(benefit.category, 0), value)
            return replace(self, discounts={**self.discounts, benefit.category: best})
        return self


@dataclass(frozen=True, slots=True)
class Line:
    """A line at the list price and at the member's. `kind` is tier, plan, club, ladder or discount; empty: list price.

    `coupon` is the share of a coupon that falls on it.
    """

    item: Item
    list_cash: int
    cash: int
    kind: str = ""
    code: str = ""
    because: str = ""
    coupon: int = 0

    @property
    def to_pay(self) -> int:
        """What is left for points and money to pay."""
        return self.cash - self.coupon


@dataclass(frozen=True, slots=True)
class Basket:
    """A priced basket. `goods` is what shipping looks at: lines that are sent, at the member's prices less a coupon."""

    lines: list[Line]
    freight: int
    freight_to_pay: int
    free_shipping_from: int | None
    goods: int

    @property
    def list_cash(self) -> int:
        return sum(line.list_cash for line in self.lines)

    @property
    def cash(self) -> int:
        """What the lines cost, before a coupon and points, and without freight."""
        return sum(line.cash for line in self.lines)

    @property
    def to_pay(self) -> int:
        """What is left of it after a coupon."""
        return sum(line.to_pay for line in self.lines)

    @property
    def waived(self) -> int:
        """The freight that is not asked for."""
        return self.freight - self.freight_to_pay

    @property
    def missing_for_free_shipping(self) -> int | None:
        """How much more has to be bought; None if shipping is never free, or there is none to pay."""
        if self.free_shipping_from is None or not self.freight_to_pay:
            return None
        return max(self.free_shipping_from - self.goods, 0)

    def less(self, shares: Sequence[int]) -> Basket:
        """The same after a coupon, whose shares are in the order of the lines."""
        lines = [replace(line, coupon=share) for line, share in zip(self.lines, shares, strict=True)]
        return _sent(lines, self.freight, self.free_shipping_from)


def terms_of(member: Member, at: dt.datetime) -> Terms:
    """The terms of a member, from her entitlements that have a use left and from what prices ask of her."""
    entitled = entitlements.of(member, at)
    return Terms(
        prices.buyer(member, at),
        entitlements.free_shipping(entitled),
        entitlements.category_discounts(entitled),
    )


def price(terms: Terms, items: Sequence[Item], freight: int, at: dt.datetime) -> Basket:
    """Price a basket on some terms; each item's `cash` is the list price of the whole line. At most four queries.

    Of a member price and a discount the better one counts, never both on the same cent (F22). Shipping is free from a sum
    of goods at the member's prices; how points pay changes nothing about it. Virtual lines are not sent. A coupon comes
    after all of this (`Basket.less`) and counts for shipping.
    """
    offers = prices.best_for(terms.buyer, items, at)
    lines = [_line(item, offers.get(item.number), terms.discounts.get(item.category, 0)) for item in items]
    return _sent(lines, freight, terms.free_shipping_from)


def _sent(lines: list[Line], freight: int, free_from: int | None) -> Basket:
    goods = sum(line.to_pay for line in lines if not line.item.virtual)
    is_free = free_from is not None and goods >= free_from
    return Basket(lines, freight, 0 if is_free else freight, free_from, goods)


def _line(item: Item, offer: prices.Offer | None, percent: int) -> Line:
    discounted = discount(item.cash, percent)
    if offer is not None and offer.cash <= discounted:
        return Line(item, item.cash, offer.cash, offer.kind, offer.code, offer.because)
    if discounted < item.cash:
        because = gettext("%(percent)d %% off %(category)s") % {"percent": percent, "category": item.category}
        return Line(item, item.cash, discounted, DISCOUNT, item.category, because)
    return Line(item, item.cash, item.cash)


def discount(cash: int, percent: int) -> int:
    """What is left after so many per cent off, rounded half up."""
    return (2 * cash * (100 - percent) + 100) // 200
