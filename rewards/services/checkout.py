"""The checkout quote: what points can do for a basket, and what the basket earns. Nothing is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from common import clock
from loyalty.models import Account, EarningRuleVersion, OrderLine, Programme, Standing
from loyalty.selectors import balances
from loyalty.selectors import members as selectors
from loyalty.selectors import programme as programmes
from loyalty.services import earning, rules, standings, tenders, trials
from loyalty.services.caps import Caps
from loyalty.services.ledger import Book
from loyalty.services.occasions import Facts, Item, Occasion
from loyalty.services.rules import RuleBook
from members.models import Member


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """How one line would be paid if the most points were used: `points`, and `cash` in minor units."""

    line: str
    points: int
    cash: int


@dataclass(frozen=True, slots=True)
class Quote:
    """What is offered at checkout; money in minor units.

    `points_to_earn` and `growth_to_earn` are for a basket paid in cash alone, those `_with_points` for one paid with the
    most points. Growth is whole.
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


def quote(member: Member, basket: Sequence[Item], *, channel: str, at: dt.datetime) -> Quote:
    """Quote a basket (each item's `cash` is its price before points) for a member read by `members.with_wallets`.

    The most points: domain.md F9, from what is available now; their share of each line: F10. What will be earned is what
    the rules in force say, with the caps this member has left; campaigns' budgets are not foreseen. Growth:
    what the policy in force and the member's coefficient give (F1).
    """
    programme = programmes.current()
    account = selectors.account_of(member)
    available = balances.of(account, at).available if account else 0
    payable = [tenders.Payable(item.number, item.cash, item.virtual) for item in basket]
    most = tenders.most(programme, payable, available)
    lines = _lines(programme, payable, most)
    forecast = _Forecast(programme, member, account, basket, channel, at)
    in_cash, with_points = [item.cash for item in basket], [line.cash for line in lines]
    return Quote(
        max_points=most,
        points_step=programme.tender_step,
        points_value=programmes.money_of(programme, most),
        points_available=available,
        points_to_earn=forecast.points(in_cash),
        points_to_earn_with_points=forecast.points(with_points),
        growth_to_earn=forecast.growth(in_cash),
        growth_to_earn_with_points=forecast.growth(with_points),
        lines=lines,
    )


def _lines(programme: Programme, payable: Sequence[tenders.Payable], points: int) -> list[QuoteLine]:
    shares = tenders.allocate(programme, payable, points)
    return [
        QuoteLine(line.number, share, line.cash - programmes.money_of(programme, share))
        for line, share in zip(payable, shares, strict=True)
    ]


class _Forecast:
    """What the rules would be told of this basket, read once and asked twice."""

    def __init__(
        self,
        programme: Programme,
        member: Member,
        account: Account | None,
        basket: Sequence[Item],
        channel: str,
        at: dt.datetime,
    ):
        book = rules.load(programme)
        self._rules: RuleBook = book
        self._facts: Facts = trials.facts_of(selectors.wallet_of(member), book, at, {item.category for item in basket})
        self._programme, self._account = programme, account
        self._standing: Standing | None = selectors.standing_of(member)
        self._caps = Caps(Book([account] if account else [], at), [at])
        self._basket, self._channel, self._at = basket, channel, at

    def points(self, cash: Sequence[int]) -> int:
        """Points earned if the items are paid with so much cash."""
        for item, amount in zip(self._basket, cash, strict=True):
            item.cash = amount
            item.new_category = item.category in self._facts.new_categories
        occasion = Occasion(
            type="order.completed",
            at=self._at,
            local=clock.local(self._at),
            facts=self._facts,
            channel=self._channel,
            items=list(self._basket),
        )
        return trials.net(earning.evaluate(self._rules.in_force(occasion.type, self._at), occasion, self))

    def growth(self, cash: Sequence[int]) -> int:
        """Whole growth earned if the items are paid with so much cash."""
        lines = (
            OrderLine(cash=amount, category=item.category, store_code=item.store, is_virtual=item.virtual)
            for item, amount in zip(self._basket, cash, strict=True)
        )
        return standings.to_earn(self._programme, self._standing, lines, self._at)

    def left(self, version: EarningRuleVersion, at: dt.datetime) -> list[tuple[int, str]]:
        """Campaigns are left out: their budgets are locked when they are asked, and a quote locks nothing."""
        if self._account is None or version.campaign_id:
            return []
        return self._caps.headroom(self._account.pk, version, at)

    def take(self, version: EarningRuleVersion, at: dt.datetime, points: int) -> None:
        """A quote gives nothing, so it takes nothing from the limits."""
