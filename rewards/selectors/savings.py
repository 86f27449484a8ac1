"""What a paid plan would have saved a member, and what it has saved (domain.md F22, S1-22, S2-19). Minor units.

Nobody is told a saving of others as her own: no median of a segment stands in for too few orders (decisions 0033).

Both are the same sum over real, kept orders: what was paid against what would have been paid on the other terms. A member
price and a coupon are never counted on the same cent, because the price is compared with what was really paid. Points are
worth the published value; partners' rights count nothing (the lower bound).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from common import clock
from loyalty.models import EarningRuleVersion, Order, OrderLine, Programme
from loyalty.selectors import programme as programmes
from loyalty.services import caps, earning, rules, trials
from loyalty.services.occasions import Item, Occasion
from loyalty.services.orderfile import OrderFile
from members.models import Member, Plan, PlanPurchase, Subscription
from members.selectors import kin, plan_terms
from members.services.plan_refunds import Use
from merchants.selectors import prices
from rewards.models import Benefit, BenefitGrant, BenefitUse
from rewards.selectors import baskets, entitlements, plan_rights
from rewards.selectors.baskets import Terms

LEAST_ORDERS = 3
"""Nothing is claimed for a member with fewer orders in the twelve months (F22)."""

# Counted by what was paid for the lines, not by uses.
_IN_THE_PRICE = (Benefit.Kind.MEMBER_PRICE, Benefit.Kind.CATEGORY_DISCOUNT, Benefit.Kind.POINT_REBATE)


@dataclass(frozen=True, slots=True)
class Saving:
    """So much on prices, freight, in points and by other benefits, over so many orders completed in [since, until)."""

    since: dt.date
    until: dt.date
    orders: int
    spent: int = 0
    prices: int = 0
    freight: int = 0
    points: int = 0
    benefits: int = 0

    @property
    def total(self) -> int:
        return self.prices + self.freight + self.points + self.benefits

    @property
    def is_claimed(self) -> bool:
        """Whether an estimate may be shown: from three orders on."""
        return self.orders >= LEAST_ORDERS

    def over(self, days: int) -> int:
        """The saving of a year, for so many days of it; rounded down, so no more is claimed."""
        return self.total * days // 365

    def break_even(self, fee: int) -> int | None:
        """Spend at which the saving reaches the fee, rounded up; None if nothing is saved."""
        return -(-fee * self.spent // self.total) if self.total > 0 else None


def estimate(member: Member, plan: Plan, at: dt.datetime) -> Saving:
    """What the plan would have saved on the orders of the last twelve months, on the terms of now.

    Those of members who were merged into her are hers (E58).
    """
    today = clock.local_date(at)
    since = clock.months_after(today, -12)
    orders = _orders(Q(member__in=kin.ids(member.pk), completed_at__gte=clock.day_start(since), completed_at__lt=at))
    own = baskets.terms_of(member, at)
    with_plan = own.with_plan(plan, entitlements.granted(at), at)
    programme = programmes.current()
    found = Saving(since, today, len(orders), spent=sum(_paid(programme, order) for order in orders))
    before, after = (_priced(programme, orders, terms, at) for terms in (own, with_plan))
    freight = sum(
        order.freight for order in orders if _is_free(with_plan, after[order.pk]) and not _is_free(own, after[order.pk])
    )
    more = _extra_points(programme, orders, plan, after)
    worth = programmes.money_of(programme, abs(more)) * (1 if more > 0 else -1)
    return replace(found, prices=sum(before.values()) - sum(after.values()), freight=freight, points=worth)


def saved(purchase: PlanPurchase, at: dt.datetime) -> Saving:
    """What a term has saved so far, on completed orders that were bought in it and kept, and by benefits that were used."""
    assert purchase.subscription is not None
    plan, parts = purchase.offer.plan, plan_terms.parts(purchase.subscription)
    orders = _orders(_bought_in(parts, at))
    programme = programmes.current()
    paid = {order.pk: _paid(programme, order) for order in orders}
    more = _extra_points(programme, orders, plan, paid)
    uses = _uses(plan, parts, at).exclude(benefit__kind__in=_IN_THE_PRICE)
    return Saving(
        clock.local_date(purchase.subscription.began_at),
        clock.local_date(min(purchase.subscription.ends_at, at)),
        len(orders),
        spent=sum(paid.values()),
        prices=_discounted(programme, parts[-1].member, orders, at),
        points=programmes.money_of(programme, max(more, 0)),
        benefits=uses.aggregate(sum=Sum("cost"))["sum"] or 0,
    )


def use_of(purchase: PlanPurchase, at: dt.datetime) -> Use:
    """What a refund asks (F23, E53, E55): a price, extra points, a benefit or a partner's right makes the term used.

    A price that was paid counts at once, not only when the parcel has arrived: nobody buys cheaply and gives the plan back.
    """
    assert purchase.subscription is not None
    parts = plan_terms.parts(purchase.subscription)
    on_their_way = _orders(_bought_in(parts, at), status=Order.Status.PAID)
    value = saved(purchase, at).total + _discounted(programmes.current(), parts[-1].member, on_their_way, at)
    claimed = plan_rights.is_claimed(purchase)
    used = value > 0 or claimed or _uses(purchase.offer.plan, parts, at).exists()
    return Use(used=used, value=value, claimed=plan_rights.cost(purchase) if claimed else 0)


def _orders(which: Q, *, status: str = Order.Status.COMPLETED) -> list[Order]:
    """Orders of which something was kept, with lines. Two queries."""
    rows = Order.objects.annotate(bought_at=Coalesce("paid_at", "completed_at"))
    rows = rows.filter(which, status=status).select_related("member__wallet").prefetch_related("lines")
    return [order for order in rows.order_by("completed_at", "pk") if _kept(order)]


def _bought_in(parts: Sequence[Subscription], at: dt.datetime) -> Q:
    """Prices and points are those of the time an order was paid (C20, E54), for who had the term then (E58)."""
    within = (
        Q(member=part.member_id, bought_at__gte=part.starts_at, bought_at__lt=min(part.ends_at, at)) for part in parts
    )
    return reduce(or_, within)


def _uses(plan: Plan, parts: Sequence[Subscription], at: dt.datetime) -> QuerySet[BenefitUse]:
    """Uses of the plan's benefits in a term, for who had it then (E58)."""
    within = (Q(member=part.member_id, at__gte=part.starts_at, at__lt=min(part.ends_at, at)) for part in parts)
    return BenefitUse.objects.filter(reduce(or_, within), given_back_at=None, benefit__in=_benefits_of(plan))


def _discounted(programme: Programme, member: Member, orders: Sequence[Order], at: dt.datetime) -> int:
    """What was paid less than without the plan: never more than the discounts that there were."""
    own = Terms(replace(prices.buyer(member, at), plans=frozenset()))
    listed = _priced(programme, orders, own, at, discounted=True)
    return sum(max(listed[order.pk] - _paid(programme, order), 0) for order in orders)


def _kept(order: Order) -> list[OrderLine]:
    return [line for line in order.lines.all() if line.refunded_quantity < line.quantity and line.cash + line.points]


def _paid(programme: Programme, order: Order) -> int:
    """What was paid for the lines that were kept: money, and points at their value."""
    return sum(_paid_for(programme, line) for line in _kept(order))


def _paid_for(programme: Programme, line: OrderLine) -> int:
    points = programmes.money_of(programme, line.points - line.refunded_points)
    return line.cash - line.refunded_cash + points


def _priced(
    programme: Programme, orders: Sequence[Order], terms: Terms, at: dt.datetime, *, discounted: bool = False
) -> dict[int, int]:
    """What the kept lines would cost on some terms, by order: never more than was paid (or than the list price).

    The queries of one basket, however many orders.
    """
    items = {}
    for order in orders:
        for line in _kept(order):
            quantity = line.quantity - line.refunded_quantity
            list_price = _paid_for(programme, line) + (line.discount * quantity // line.quantity if discounted else 0)
            items[order.pk, line.pk] = Item(
                number=f"{order.pk}/{line.pk}", sku=line.sku, category=line.category, store=line.store_code,
                quantity=quantity, cash=list_price, virtual=line.is_virtual,
            )  # fmt: skip
    basket = baskets.price(terms, list(items.values()), 0, at)
    totals = {order.pk: 0 for order in orders}
    for (order_id, _line), priced in zip(items, basket.lines, strict=True):
        totals[order_id] += priced.cash
    return totals


def _is_free(terms: Terms, goods: int) -> bool:
    return terms.free_shipping_from is not None and goods >= terms.free_shipping_from


def _extra_points(programme: Programme, orders: Sequence[Order], plan: Plan, cash: dict[int, int]) -> int:
    """Points that the rules in force then give with the plan beyond those without it, on what is (or would be) paid.

    Monthly and yearly caps are kept as the orders come, so no more is claimed than could be had.
    """
    book = rules.load(programme)
    with_plan, without = WindowLimits(), WindowLimits()
    extra = 0
    for order in orders:
        file = OrderFile(order, order.member.wallet.account_id, list(order.lines.all()))
        occasion = file.occasion(file.remembered(), file.earned_at)
        base = sum(item.cash for item in occasion.items)
        plans = set(occasion.facts.plans)
        for limits, names, sign in ((with_plan, plans | {plan.code}, 1), (without, plans - {plan.code}, -1)):
            asked = replace(occasion, facts=replace(occasion.facts, plans=sorted(names)))
            if sign > 0 and base:
                asked = _scaled(asked, min(cash[order.pk], base), base)
            extra += sign * trials.net(earning.evaluate(book.in_force(occasion.type, occasion.at), asked, limits))
    return extra


def _scaled(occasion: Occasion, cash: int, base: int) -> Occasion:
    """The same lines at a lower price, shared by their cash; rounded down, so no more is claimed."""
    return replace(occasion, items=[replace(item, cash=item.cash * cash // base) for item in occasion.items])


class WindowLimits:
    """Caps of rules kept in memory over a row of orders: what was counted in a window leaves less for the next."""

    def __init__(self) -> None:
        self._used: dict[tuple[int, str], int] = {}

    def left(self, version: EarningRuleVersion, at: dt.datetime) -> list[tuple[int, str]]:
        return [
            (cap - self._used.get((version.rule_id, window), 0), str(reason))
            for cap, window, reason in caps.windows(version, at)
        ]

    def take(self, version: EarningRuleVersion, at: dt.datetime, points: int) -> None:
        for _cap, window, _reason in caps.windows(version, at):
            key = version.rule_id, window
            self._used[key] = self._used.get(key, 0) + points


def _benefits_of(plan: Plan):
    """The benefits that a plan has been granted, alone or in a bundle."""
    grants = BenefitGrant.objects.filter(plan=plan, status=BenefitGrant.Status.ACTIVE)
    return Benefit.objects.filter(grants__in=grants) | Benefit.objects.filter(bundle_items__bundle__grants__in=grants)
