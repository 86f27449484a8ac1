"""What benefits cost by tier, before they are put in force (domain.md F20): members × expected uses × cost of one.

All amounts are minor units a month. Rounded up once a benefit and tier, so no estimate is too low by rounding.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Sum
from django.utils.translation import gettext

from loyalty.models import Programme, Tier
from loyalty.selectors import programme as programmes
from members.models import Member
from rewards.models import Benefit, BenefitBudget, BenefitGrant
from rewards.selectors import audiences, entitlements, packs

SWING = 30
"""The estimate is also shown with so many per cent fewer and more uses than expected."""


@dataclass(frozen=True, slots=True)
class TierCost:
    """What the benefits of one tier's members cost a month, today (`now`) and `then`; None = members without a tier.

    `contribution` is what the tier's members bring a month before benefits: net cash of twelve months ÷ 12 × margin,
    rounded down; None if no margin is given.
    """

    tier: Tier | None
    members: int
    now: int
    then: int
    budget: int | None
    contribution: int | None

    @property
    def low(self) -> int:
        """If members use less than expected; rounded up."""
        return _up(self.then * (100 - SWING), 100)

    @property
    def high(self) -> int:
        """If members use more than expected; rounded up."""
        return _up(self.then * (100 + SWING), 100)

    @property
    def bears_percent(self) -> int | None:
        """How many per cent of the expected uses the budget bears, rounded down; None without budget or cost."""
        return self.budget * 100 // self.then if self.budget is not None and self.then else None

    @property
    def fault(self) -> str:
        """Why a grant that costs more may not be put in force; empty if it may. What costs no more than before may."""
        if self.then <= self.now:
            return ""
        numbers = {"tier": self.tier or gettext("Members without a tier"), "cost": _money(self.then)}
        if self.budget is not None and self.then > self.budget:
            words = gettext("%(tier)s: benefits would cost %(cost)s a month; the budget is %(budget)s.")
            return words % (numbers | {"budget": _money(self.budget)})
        if self.contribution is not None and self.then >= self.contribution:
            words = gettext("%(tier)s: benefits would cost %(cost)s a month; its members bring %(brings)s.")
            return words % (numbers | {"brings": _money(self.contribution)})
        return ""


def estimate(at: dt.datetime, *, plus: BenefitGrant | None = None) -> list[TierCost]:
    """By tier, the highest first: cost a month of all that is in force, without and with the draft `plus`.

    One query a benefit, and seven.
    """
    programme = programmes.current()
    in_force = entitlements.granted(at)
    changed = [grant for grant in in_force if plus is None or grant.pk != plus.replaces_id]
    planned = [*changed, plus] if plus else changed
    touched = set() if plus is None else {benefit.pk for grant in _touching(in_force, plus) for benefit in _of(grant)}
    contents = packs.costs()
    now: dict[int | None, int] = defaultdict(int)
    then: dict[int | None, int] = defaultdict(int)
    for benefit, grants in by_benefit(in_force).items():
        costs = _cost(benefit, grants, programme, contents, at)
        _add(now, costs)
        if benefit.pk not in touched:
            _add(then, costs)
    for benefit, grants in by_benefit(planned).items():
        if benefit.pk in touched:
            _add(then, _cost(benefit, grants, programme, contents, at))
    return _by_tier(now, then)


def cost_of(benefit: Benefit, value: int | None, programme: Programme) -> int:
    """What one use costs: the benefit's own cost, and the points of a birthday pack at their value, rounded down."""
    points = value or 0 if benefit.kind == Benefit.Kind.BIRTHDAY_PACK else 0
    return benefit.unit_cost + programmes.money_of(programme, points)


def by_benefit(grants: Iterable[BenefitGrant]) -> dict[Benefit, list[tuple[BenefitGrant, int | None]]]:
    """The grants that give each benefit, by themselves or in a bundle, with the parameter."""
    found: dict[Benefit, list[tuple[BenefitGrant, int | None]]] = defaultdict(list)
    for grant in grants:
        for benefit, allowance in entitlements.contents(grant):
            found[benefit].append((grant, allowance.value))
    return found


def _of(grant: BenefitGrant) -> Iterable[Benefit]:
    return (benefit for benefit, _allowance in entitlements.contents(grant))


def _touching(in_force: list[BenefitGrant], plus: BenefitGrant) -> list[BenefitGrant]:
    """The draft and what it replaces: the only ones whose benefits may cost something else."""
    return [plus, *(grant for grant in in_force if grant.pk == plus.replaces_id)]


def _cost(
    benefit: Benefit,
    grants: list[tuple[BenefitGrant, int | None]],
    programme: Programme,
    contents: dict[int, int],
    at: dt.datetime,
) -> dict[int | None, int]:
    """By tier (id): who has the benefit, whichever grant gives it, times expected uses times the dearest parameter.

    A benefit with contents costs what they cost, all of them.
    """
    if not benefit.is_on(at):
        return {}
    sizes = audiences.by_tier(audiences.members([grant for grant, _value in grants], at, given=[benefit.pk]))
    unit = contents.get(benefit.pk) or max(cost_of(benefit, value, programme) for _grant, value in grants)
    return {tier: _up(members * benefit.expected_permille * unit, 1000) for tier, members in sizes.items()}


def _add(total: dict[int | None, int], costs: dict[int | None, int]) -> None:
    for tier, cost in costs.items():
        total[tier] += cost


def _by_tier(now: dict[int | None, int], then: dict[int | None, int]) -> list[TierCost]:
    heads = audiences.by_tier(Member.objects.filter(status=Member.Status.ACTIVE).order_by())
    budgets = {budget.pk: budget for budget in BenefitBudget.objects.all()}
    brings = _brings() if any(budget.margin_permille is not None for budget in budgets.values()) else {}
    tiers: list[Tier | None] = [*Tier.objects.order_by("-rank")]
    if None in heads:
        tiers.append(None)
    found = []
    for tier in tiers:
        key = tier.pk if tier else None
        budget = budgets.get(key or 0)
        margin = budget.margin_permille if budget else None
        contribution = None if margin is None else max(brings.get(key, 0), 0) * margin // 12_000
        monthly = budget.monthly if budget else None
        found.append(TierCost(tier, heads.get(key, 0), now[key], then[key], monthly, contribution))
    return found


def _brings() -> dict[int | None, int]:
    """Net cash of twelve months by tier, as measured last night. One query."""
    rows = Member.objects.filter(status=Member.Status.ACTIVE).order_by().values("standing__tier")
    return dict(rows.annotate(cash=Sum("stats__net_cash_12m", default=0)).values_list("standing__tier", "cash"))


def _up(number: int, divisor: int) -> int:
    return -(-number // divisor)


def _money(minor: int) -> str:
    return f"{minor // 100:,}.{minor % 100:02d}"
