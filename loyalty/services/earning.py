"""What earning rules give for an occasion: pure arithmetic in integers and rationals, no database.

Declared order (domain.md E31): base points → multipliers (each on the base, never on each other) → stacking → caps.
Each rule is rounded down once, on the order as a whole unless it counts line by line, and shared over its lines by
largest remainder, so splitting an order into lines never earns more (E24).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol

from django.utils.translation import gettext, gettext_noop

from loyalty.models import EarningRuleVersion, Shortfall
from loyalty.services.allocation import largest_remainder
from loyalty.services.conditions import Condition
from loyalty.services.occasions import Item, Occasion

Formula, Basis, Stacking, Reason = (
    EarningRuleVersion.Formula,
    EarningRuleVersion.Basis,
    EarningRuleVersion.Stacking,
    Shortfall.Reason,
)


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A version with its conditions compiled."""

    version: EarningRuleVersion
    conditions: tuple[Condition, ...]


@dataclass(slots=True)
class Award:
    """Points of one rule version; `shares[i]` falls on `items[i]`. Without items the one share is the whole."""

    version: EarningRuleVersion
    items: list[Item]
    shares: list[int]
    computed: int

    @property
    def points(self) -> int:
        """What is given after stacking and caps."""
        return sum(self.shares)


@dataclass(slots=True)
class Missed:
    """What a rule would have given and did not."""

    version: EarningRuleVersion
    computed: int
    granted: int
    reason: str


@dataclass(slots=True)
class Trace:
    """What one rule said, for the operators' test panel and for `explain`; put into words only when somebody reads it."""

    version: EarningRuleVersion
    points: int
    text: str
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The sentence in the reader's language."""
        return gettext(self.text) % self.values


_ENDED = gettext_noop("Not looked at: “%(rule)s” ends the list.")
_NO_LINE = gettext_noop("No line fits: %(condition)s")
_DOES_NOT_HOLD = gettext_noop("Does not hold: %(condition)s")
_BELOW_LEAST = gettext_noop("Below the least cash of the rule.")
_NO_WHOLE_POINT = gettext_noop("Applies, but comes to no whole point.")
_OUTRANKED = gettext_noop("“%(rule)s” gives more.")
_GIVES = gettext_noop("Gives %(points)d points.")
_GIVES_LESS = gettext_noop("Gives %(points)d of %(computed)d points: %(reason)s.")


@dataclass(slots=True)
class Evaluation:
    """The answer of all rules to one occasion."""

    awards: list[Award] = field(default_factory=list)
    missed: list[Missed] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)

    @property
    def points(self) -> int:
        """All points given."""
        return sum(award.points for award in self.awards)


class Limits(Protocol):
    """What bounds an award from outside the occasion: what a member, a campaign or a purse has left."""

    def left(self, version: EarningRuleVersion, at: dt.datetime) -> list[tuple[int, str]]:
        """How much a version may still give under each limit, and the reason to name if it binds."""

    def take(self, version: EarningRuleVersion, at: dt.datetime, points: int) -> None:
        """So many points are given: the next award finds less left."""


class NoLimits:
    """For occasions whose history does not matter: the test panel, a refund's re-test."""

    def left(self, version: EarningRuleVersion, at: dt.datetime) -> list[tuple[int, str]]:
        return []

    def take(self, version: EarningRuleVersion, at: dt.datetime, points: int) -> None:
        return None


NO_LIMITS = NoLimits()


def evaluate(rules: Sequence[CompiledRule], occasion: Occasion, limits: Limits = NO_LIMITS) -> Evaluation:
    """Ask `rules` (highest priority first) what the occasion earns, and take it from the limits.

    A rule that stops ends the list for every rule below it, multipliers among them; one of those ends it for multipliers,
    since they are asked last.
    """
    result = Evaluation()
    bases: dict[str, list[Award]] = {}
    stop: CompiledRule | None = None
    for formulas in ((Formula.PER_MONEY, Formula.FIXED, Formula.LIKES, Formula.PENALTY), (Formula.MULTIPLIER,)):
        stopped = False
        for rule in rules:
            stopped = stopped or rule is stop
            if rule.version.formula not in formulas:
                continue
            if stopped and stop is not None:
                result.traces.append(Trace(rule.version, 0, _ENDED, {"rule": stop.version.rule}))
                continue
            award = _ask(rule, occasion, bases.get(Formula.PER_MONEY, []), result)
            if award is None:
                continue
            bases.setdefault(rule.version.formula, []).append(award)
            if rule.version.stacking == Stacking.STOP:
                stop, stopped = rule, True
        # Before the multipliers are asked: they multiply what is paid.
        for awards in bases.values():
            _keep_best(awards, result)
    for awards in bases.values():
        for award in awards:
            _limit(award, occasion, limits, result)
    return result


def _ask(rule: CompiledRule, occasion: Occasion, bases: list[Award], result: Evaluation) -> Award | None:
    version = rule.version
    items = list(occasion.items)
    for condition in rule.conditions:
        if condition.on_line:
            items = [item for item in items if condition.holds(occasion, item)]
            if not items:
                result.traces.append(Trace(version, 0, _NO_LINE, {"condition": condition.words}))
                return None
        elif not condition.holds(occasion, None):
            result.traces.append(Trace(version, 0, _DOES_NOT_HOLD, {"condition": condition.words}))
            return None
    if version.min_cash and sum(item.cash for item in items) < version.min_cash:
        result.traces.append(Trace(version, 0, _BELOW_LEAST))
        return None
    shares = _shares(version, items, bases)
    if not sum(shares):
        result.traces.append(Trace(version, 0, _NO_WHOLE_POINT))
        return None
    return Award(version, items, shares, sum(shares))


def _shares(version: EarningRuleVersion, items: list[Item], bases: list[Award]) -> list[int]:
    if version.formula in (Formula.FIXED, Formula.LIKES, Formula.PENALTY):
        return _spread(version.points, items) or [version.points]
    if version.basis == Basis.LINE:
        return [_rounded(version, [item], bases) for item in items]
    return _spread(_rounded(version, items, bases), items)


def _spread(points: int, items: list[Item]) -> list[int]:
    """Share points over products by largest remainder on their cash, and each product's over its lines.

    Products first: a product gets the same however many lines it is split into, so a cap per product cuts the same (E24).
    """
    products = list(_positions_by_product(items).values())
    by_product = largest_remainder(points, [sum(items[i].cash for i in positions) for positions in products])
    shares = [0] * len(items)
    for share, positions in zip(by_product, products, strict=True):
        for position, part in zip(positions, largest_remainder(share, [items[i].cash for i in positions]), strict=True):
            shares[position] = part
    return shares


def _positions_by_product(items: Sequence[Item]) -> dict[str | int, list[int]]:
    """Which lines are of one product; a line without a SKU is one by itself."""
    positions: dict[str | int, list[int]] = defaultdict(list)
    for position, item in enumerate(items):
        positions[item.sku or position].append(position)
    return positions


def _rounded(version: EarningRuleVersion, items: list[Item], bases: list[Award]) -> int:
    """Exact points of a money rule for some lines, rounded down once.

    A multiplier on the order gives what is missing to the multiple of its base on the order. What a base lost by being
    rounded line by line is not made up for: lines could be split to gain from it while the base itself is capped (E24).
    """
    if version.formula == Formula.PER_MONEY:
        return int(_exact(version, items))
    chosen = {id(item) for item in items}
    base = given = Fraction(0)
    for award in bases:
        part = _exact(award.version, [item for item in award.items if id(item) in chosen])
        base += part
        given += int(part) if award.version.basis == version.basis == Basis.ORDER else part
    return max(int(base * version.multiplier_percent / 100 - given), 0)


def _exact(version: EarningRuleVersion, items: list[Item]) -> Fraction:
    cash = sum(item.cash for item in items)
    return Fraction(cash // version.money_step * version.money_step * version.points, version.money_unit)


def _keep_best(awards: list[Award], result: Evaluation) -> None:
    """Of the rules of one formula that stack by `max`, only the best pays; the first of equals."""
    rivals = [award for award in awards if award.version.stacking == Stacking.MAX]
    if len(rivals) < 2:
        return
    best = max(rivals, key=lambda award: award.points)
    for award in rivals:
        if award is not best:
            awards.remove(award)
            result.missed.append(Missed(award.version, award.computed, 0, Reason.OUTRANKED))
            result.traces.append(Trace(award.version, 0, _OUTRANKED, {"rule": best.version.rule}))


def _limit(award: Award, occasion: Occasion, limits: Limits, result: Evaluation) -> None:
    version, reason = award.version, ""
    if version.cap_item is not None and award.items:
        reason = _cap_products(award, version.cap_item)
    caps = [(version.cap_order, Reason.CAP_ORDER)] if version.cap_order is not None else []
    for limit, because in [*caps, *limits.left(version, occasion.at)]:
        if limit < award.points:
            award.shares = largest_remainder(max(limit, 0), award.shares)
            reason = because
    granted = award.points
    if reason:
        result.missed.append(Missed(version, award.computed, granted, reason))
    if granted:
        result.awards.append(award)
        limits.take(version, occasion.at, granted)
    if not reason:
        result.traces.append(Trace(version, granted, _GIVES, {"points": granted}))
        return
    values = {"points": granted, "computed": award.computed, "reason": Reason(reason).label}
    result.traces.append(Trace(version, granted, _GIVES_LESS, values))


def _cap_products(award: Award, cap: int) -> str:
    """Hold each product of the order to the cap, over all its lines, so that splitting lines gains nothing."""
    reason = ""
    for positions in _positions_by_product(award.items).values():
        shares = [award.shares[position] for position in positions]
        if sum(shares) > cap:
            reason = Reason.CAP_ITEM
            for position, share in zip(positions, largest_remainder(cap, shares), strict=True):
                award.shares[position] = share
    return reason


def likes_reward(points: int, factor: int, most: int, likes: int) -> int:
    """R(n) = min(R_max, R_0 + ⌊a·log2(1 + n)⌋) of domain.md F13, exact: 2^k ≤ (1 + n)^a decides the floor."""
    return min(most, points + ((1 + likes) ** factor).bit_length() - 1)
