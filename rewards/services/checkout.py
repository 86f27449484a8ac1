"""The checkout quote: what a basket costs a member, what points can do for it, and what it earns. Nothing is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext_lazy as _

from common import clock
from common.problems import InvalidInput, Problem
from loyalty.models import Account, Campaign, OrderLine, Programme, Standing
from loyalty.selectors import balances
from loyalty.selectors import members as selectors
from loyalty.selectors import programme as programmes
from loyalty.services import earning, rules, standings, tenders, trials
from loyalty.services.caps import Caps, Outlook
from loyalty.services.ledger import Book
from loyalty.services.memberfacts import NoWallet
from loyalty.services.occasions import Facts, Item, Occasion
from loyalty.services.rules import RuleBook
from members.models import Member, Plan
from rewards.selectors import baskets, coupons, entitlements
from rewards.selectors import plans as sales
from rewards.selectors.baskets import Basket, Terms
from rewards.selectors.catalogue import Reason
from rewards.selectors.coupons import Tried

_COMPLETED = "order.completed"


class CouponRefused(Problem):
    """The coupon that was asked for takes nothing off this basket. `reasons` say why."""

    code = "coupon_refused"
    status = 409
    title = _("This coupon does not apply to this basket.")

    def __init__(self, reasons: Sequence[Reason]):
        super().__init__(reasons[0]["detail"], reasons=list(reasons))


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """How one line would be paid if the most points were used: `points`, and `cash` in minor units.

    `list_price` and `price` are those of the whole line before coupon and points; `because` says why the price is lower.
    price = coupon + what the points are worth + cash.
    """

    line: str
    list_price: int
    price: int
    because: str
    coupon: int
    points: int
    cash: int


@dataclass(frozen=True, slots=True)
class PlanSaving:
    """What a paid plan would save on this very basket (S1-22), in minor units; `total` = prices + freight + points_value.

    `points` would be earned besides; lower prices earn fewer, which is counted, so it may be negative.
    """

    plan: Plan
    prices: int
    freight: int
    points: int
    points_value: int

    @property
    def total(self) -> int:
        return self.prices + self.freight + self.points_value


@dataclass(frozen=True, slots=True)
class Quote:
    """What is offered at checkout; money in minor units.

    `points_to_earn` and `growth_to_earn` are for a basket paid in cash alone, those `_with_points` for one paid with the
    most points; both after the `coupon` that was asked for. Growth is whole. `back_charge`: freight that is waived now is
    charged if goods that are sent back without a fault of the seller leave less than shipping is free from (E16). `coupons`
    are all those the member holds, each as if it alone were used.
    """

    max_points: int
    points_step: int
    points_value: int
    points_available: int
    points_to_earn: int
    points_to_earn_with_points: int
    growth_to_earn: int
    growth_to_earn_with_points: int
    lines: list[QuoteLine]
    basket: Basket
    back_charge: bool
    coupon: Tried | None
    coupons: list[Tried]
    plans: list[PlanSaving]


def quote(
    member: Member,
    items: Sequence[Item],
    *,
    channel: str,
    at: dt.datetime,
    freight: int = 0,
    coupon: str = "",
    attributes: dict[str, Any] | None = None,
) -> Quote:
    """Quote a basket (each item's `cash` is its list price) for a member read by `members.with_wallets`.

    `attributes` are those that the order will say; rules may ask for them.

    Prices come first: the best member price or discount of each line; then the coupon with the code `coupon`, if one is
    named, on what is left; then points. The most points: domain.md F9, from what is available now; their share of each
    line: F10. What will be earned is what the rules in force say of the cash that is left, with what caps, campaigns and
    their purses have left now; others may be faster. Growth: what the policy in force and the member's coefficient give (F1). An
    order completed with just these lines earns just that. Raises InvalidInput (unknown coupon), CouponRefused.
    """
    programme = programmes.current()
    account = selectors.account_of(member)
    available = balances.of(account, at).available if account else 0
    terms = baskets.terms_of(member, at)
    priced = baskets.price(terms, items, freight, at)
    used = _coupon(member, coupon, priced, at) if coupon else None
    basket = priced.less(used.shares) if used else priced
    payable = [tenders.Payable(line.item.number, line.to_pay, line.item.virtual) for line in basket.lines]
    most = tenders.most(programme, payable, available)
    lines = _lines(programme, basket, payable, most)
    forecast = _Forecast(programme, member, account, items, channel, attributes or {}, at)
    in_cash, with_points = [line.to_pay for line in basket.lines], [line.cash for line in lines]
    points_to_earn = forecast.points(in_cash)
    return Quote(
        max_points=most,
        points_step=programmes.step_of(programme),
        points_value=programmes.money_of(programme, most),
        points_available=available,
        points_to_earn=points_to_earn,
        points_to_earn_with_points=forecast.points(with_points),
        growth_to_earn=forecast.growth(in_cash),
        growth_to_earn_with_points=forecast.growth(with_points),
        lines=lines,
        basket=basket,
        back_charge=programme.charge_freight and basket.waived > 0,
        coupon=used,
        coupons=[coupons.tried(one, priced) for one in coupons.held(member, at)],
        plans=_plans(programme, terms, basket, used, forecast, points_to_earn, at),
    )


def _coupon(member: Member, code: str, basket: Basket, at: dt.datetime) -> Tried:
    """The coupon that was asked for, on the basket."""
    found = coupons.usable(member, at).filter(code__code=code).order_by("pk").first()
    if found is None:
        detail = str(_("The member holds no such coupon that can be used now."))
        raise InvalidInput(errors=[{"pointer": "/coupon", "code": "unknown_coupon", "detail": detail}])
    tried = coupons.tried(found, basket)
    if tried.reasons:
        raise CouponRefused(tried.reasons)
    return tried


def _lines(programme: Programme, basket: Basket, payable: Sequence[tenders.Payable], points: int) -> list[QuoteLine]:
    shares = tenders.allocate(programme, payable, points)
    return [
        QuoteLine(
            line=line.item.number,
            list_price=line.list_cash,
            price=line.cash,
            because=line.because,
            coupon=line.coupon,
            points=share,
            cash=line.to_pay - programmes.money_of(programme, share),
        )
        for line, share in zip(basket.lines, shares, strict=True)
    ]


def _plans(
    programme: Programme,
    terms: Terms,
    basket: Basket,
    used: Tried | None,
    forecast: _Forecast,
    points: int,
    at: dt.datetime,
) -> list[PlanSaving]:
    """What the plans on sale that the member does not have would save, the most first; those that save nothing are left out.

    The coupon that is used is used there, too, and takes what it takes off the plan's prices: no fen is saved twice (F22).
    Four queries a plan, which are few.
    """
    found = []
    on_sale = Plan.objects.filter(pk__in=sales.on_sale(at).order_by().values("plan"))
    plans = list(on_sale.exclude(pk__in=terms.buyer.plans).order_by("code"))
    grants = entitlements.granted(at) if plans else []
    items = [line.item for line in basket.lines]
    for plan in plans:
        with_plan = baskets.price(terms.with_plan(plan, grants, at), items, basket.freight, at)
        if used:
            with_plan = with_plan.less(coupons.tried(used.redemption, with_plan).shares)
        more = forecast.points([line.to_pay for line in with_plan.lines], plan=plan.code) - points
        sign = -1 if more < 0 else 1
        saving = PlanSaving(
            plan=plan,
            prices=basket.to_pay - with_plan.to_pay,
            freight=basket.freight_to_pay - with_plan.freight_to_pay,
            points=more,
            points_value=sign * programmes.money_of(programme, abs(more)),
        )
        if saving.total > 0:
            found.append(saving)
    return sorted(found, key=lambda saving: -saving.total)


class _Forecast:
    """What the rules would be told of this basket, read once and asked several times."""

    def __init__(
        self,
        programme: Programme,
        member: Member,
        account: Account | None,
        items: Sequence[Item],
        channel: str,
        attributes: dict[str, Any],
        at: dt.datetime,
    ):
        book = rules.load(programme)
        self._rules: RuleBook = book
        wallet = selectors.wallet_of(member) or NoWallet(member.pk, member)
        self._facts: Facts = trials.facts_of(wallet, book, at, {item.category for item in items})
        self._programme, self._account = programme, account
        self._standing: Standing | None = selectors.standing_of(member)
        self._caps = Caps(Book([account] if account else [], at), [at])
        named = {rule.version.campaign_id for rule in book.in_force(_COMPLETED, at)} - {None}
        self._campaigns = Campaign.objects.select_related("funder").in_bulk(named) if named else {}
        self._items, self._channel, self._attributes, self._at = items, channel, attributes, at

    def points(self, cash: Sequence[int], *, plan: str = "") -> int:
        """Points earned if the items are paid with so much cash, and with a further plan."""
        new = self._facts.new_categories
        items = [
            replace(item, cash=amount, new_category=item.category in new)
            for item, amount in zip(self._items, cash, strict=True)
        ]
        facts = replace(self._facts, plans=[*self._facts.plans, plan]) if plan else self._facts
        occasion = Occasion(
            type=_COMPLETED,
            at=self._at,
            local=clock.local(self._at),
            facts=facts,
            channel=self._channel,
            attributes=self._attributes,
            items=items,
        )
        limits = Outlook(self._caps, self._account.pk if self._account else 0, self._campaigns)
        return trials.net(earning.evaluate(self._rules.in_force(_COMPLETED, self._at), occasion, limits))

    def growth(self, cash: Sequence[int]) -> int:
        """Whole growth earned if the items are paid with so much cash."""
        lines = (
            OrderLine(cash=amount, category=item.category, store_code=item.store, is_virtual=item.virtual)
            for item, amount in zip(self._items, cash, strict=True)
        )
        return standings.to_earn(self._programme, self._standing, lines, self._at)
