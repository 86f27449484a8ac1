"""Trying rules out: what they would give, without giving it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from loyalty.models import EarningRuleVersion, Order, Wallet
from loyalty.services import earning
from loyalty.services.earning import Evaluation
from loyalty.services.memberfacts import MemberFacts, NoWallet
from loyalty.services.occasions import Facts, Occasion
from loyalty.services.orderfile import OrderFile
from loyalty.services.rules import RuleBook

SAMPLE_ORDERS = 1000


@dataclass(frozen=True)
class Estimate:
    """What a draft would have changed: points with it and without it, over so many orders."""

    orders: int
    points_now: int
    points_then: int

    @property
    def difference(self) -> int:
        return self.points_then - self.points_now


def book(draft: EarningRuleVersion | None) -> RuleBook:
    """The active rules; with the draft in the place of its rule's other versions, in force at any time.

    Raises InvalidInput for a condition that cannot be read.
    """
    active = (
        EarningRuleVersion.objects.filter(status=EarningRuleVersion.Status.ACTIVE)
        .select_related("rule", "campaign")
        .prefetch_related("conditions")
    )
    if draft is None:
        return RuleBook(list(active))
    draft.effective_from, draft.effective_until = dt.datetime.min.replace(tzinfo=dt.UTC), None
    return RuleBook([*active.exclude(rule_id=draft.rule_id), draft])


def run(occasion: Occasion, rule_book: RuleBook) -> Evaluation:
    """What the rules give for the occasion. Caps per day, month and member and budgets are not counted."""
    return earning.evaluate(rule_book.in_force(occasion.type, occasion.at), occasion)


def net(evaluation: Evaluation) -> int:
    """Points given less points that penalties take."""
    return sum(
        -award.points if award.version.formula == EarningRuleVersion.Formula.PENALTY else award.points
        for award in evaluation.awards
    )


def of_order(order: Order, rule_book: RuleBook, at: dt.datetime) -> Occasion:
    """The completion of a real order: its kept cash, and what the rules were told of the member, or know now."""
    file = OrderFile(order, order.member.wallet.account_id, list(order.lines.all()))
    happened = order.completed_at or order.paid_at or at
    if order.context:
        return file.occasion(file.remembered(), happened)
    facts = facts_of(order.member.wallet, rule_book, happened, {line.category for line in file.lines}, order.paid_at)
    return file.occasion(facts, happened)


def facts_of(
    wallet: Wallet | NoWallet | None,
    rule_book: RuleBook,
    at: dt.datetime,
    categories: set[str],
    ordered_at: dt.datetime | None = None,
) -> Facts:
    """What the rules would be told of a member; of nobody, a member who is new."""
    if wallet is None:
        return Facts(tier="registered", first_order=True, new_categories=sorted(categories))
    return MemberFacts([wallet], rule_book).of(wallet, at, categories, ordered_at=ordered_at)


def estimate(draft: EarningRuleVersion, at: dt.datetime, days: int = 30) -> Estimate | None:
    """What the draft would have changed over the newest completed orders of so many days (at most SAMPLE_ORDERS).

    None for rules about other events: they are told of too little that is kept.
    """
    if draft.event_type != "order.completed":
        return None
    orders = list(
        Order.objects.filter(
            status=Order.Status.COMPLETED, completed_at__gt=at - dt.timedelta(days=days), completed_at__lte=at
        )
        .select_related("member__wallet")
        .prefetch_related("lines")
        .order_by("-completed_at")[:SAMPLE_ORDERS]
    )
    now, then = book(None), book(draft)
    occasions = [of_order(order, then, at) for order in orders if order.context]
    return Estimate(
        len(occasions),
        sum(net(run(occasion, now)) for occasion in occasions),
        sum(net(run(occasion, then)) for occasion in occasions),
    )
