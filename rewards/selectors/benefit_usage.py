"""What members make of their benefits: measured use, against who might (domain.md S2-17, F15)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Sum

from loyalty.models import Tier
from rewards.models import Benefit, BenefitUse
from rewards.selectors import audiences, benefit_costs, entitlements


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one benefit (or any) and tier (or all): who may use it now, who did in the period, how often, at what cost."""

    entitled: int
    users: int
    uses: int
    cost: int

    @property
    def permille(self) -> int | None:
        """Share of those entitled who used it; None if nobody is. Who fell meanwhile may bring it above 1,000."""
        return self.users * 1000 // self.entitled if self.entitled else None


NOTHING = Usage(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Row:
    """One benefit: what each tier's members have of it (`values`, the best parameter), and what they used."""

    benefit: Benefit
    values: dict[int | None, tuple[int | None]]
    by_tier: dict[int | None, Usage]
    total: Usage


@dataclass(frozen=True, slots=True)
class Report:
    """Uses in [since, until) by the tier members had then; entitled as of now. Uses that were given back do not count."""

    tiers: list[Tier]
    rows: list[Row]
    by_tier: dict[int | None, Usage]
    total: Usage


def report(since: dt.date, until: dt.date, at: dt.datetime) -> Report:
    """Benefits × tiers; a query a benefit in force, and ten."""
    tiers = list(Tier.objects.order_by("-rank"))
    grants = entitlements.granted(at)
    given = benefit_costs.by_benefit(grants)
    used = _used(since, until)
    rows = []
    for benefit in Benefit.objects.select_related("issuer"):
        mine = given.get(benefit, []) if benefit.is_on(at) else []
        audience = audiences.members([grant for grant, _value in mine], at, given=[benefit.pk])
        sizes = audiences.by_tier(audience) if benefit.is_on(at) else {}
        uses = {tier: found for (code, tier), found in used.items() if code == benefit.pk}
        by_tier = {key: _with(uses.get(key), sizes.get(key, 0)) for key in {*sizes, *uses}}
        rows.append(Row(benefit, _values(benefit, mine, tiers), by_tier, _sum(by_tier)))
    anybody = audiences.by_tier(audiences.members(grants, at))
    used_any = _used_any(since, until)
    totals = {key: _with(used_any.get(key), anybody.get(key, 0)) for key in {*anybody, *used_any}}
    return Report(tiers, rows, totals, _sum(totals))


def _values(benefit: Benefit, grants, tiers: list[Tier]) -> dict[int | None, tuple[int | None]]:
    """The best parameter that a tier alone gives, by tier; other audiences cut across tiers."""
    found: dict[int | None, tuple[int | None]] = {}
    for tier in tiers:
        values = [value for grant, value in grants if grant.tier is not None and grant.tier.rank <= tier.rank]
        if values:
            best = values[0]
            for value in values[1:]:
                best = value if benefit.parameter and benefit.parameter.better(value, best) else best
            found[tier.pk] = (best,)
    return found


def _counting(since: dt.date, until: dt.date):
    return BenefitUse.objects.filter(used_on__gte=since, used_on__lt=until, given_back_at__isnull=True).order_by()


def _used(since: dt.date, until: dt.date) -> dict[tuple[int, int | None], Usage]:
    rows = _counting(since, until).values_list("benefit", "tier")
    told = rows.annotate(users=Count("member", distinct=True), uses=Count("pk"), spent=Sum("cost"))
    return {(benefit, tier): Usage(0, users, uses, cost) for benefit, tier, users, uses, cost in told}


def _used_any(since: dt.date, until: dt.date) -> dict[int | None, Usage]:
    rows = _counting(since, until).values_list("tier")
    told = rows.annotate(users=Count("member", distinct=True), uses=Count("pk"), spent=Sum("cost"))
    return {tier: Usage(0, users, uses, cost) for tier, users, uses, cost in told}


def _with(used: Usage | None, entitled: int) -> Usage:
    used = used or NOTHING
    return Usage(entitled, used.users, used.uses, used.cost)


def _sum(parts: dict[int | None, Usage]) -> Usage:
    """Over the tiers; whoever used it in two tiers counts in both."""
    usages = list(parts.values())
    return Usage(
        sum(part.entitled for part in usages),
        sum(part.users for part in usages),
        sum(part.uses for part in usages),
        sum(part.cost for part in usages),
    )
