"""What members are entitled to at an instant (domain.md S1-06, E54; docs/decisions/0021).

Grants are looked at as they were at that instant, and so are tiers, medal levels, plans, settled scores and gifts;
segments and merchants' cards keep no history and count as they are. Of several grants of one benefit the best parameter
wins, then the larger quota; quotas do not add, unless a bundle says so.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from django.utils.translation import gettext

from loyalty.models import Order
from members.models import Member
from members.selectors import kin
from rewards.models import PER_YEAR, Allowance, Benefit, BenefitGrant, MemberGrant, Period, Quota, Window
from rewards.selectors import belongings
from rewards.selectors.belongings import Audience, Belongings, Term


@dataclass(frozen=True, slots=True)
class Entitlement:
    """One benefit of one member at an instant. `quota` None = any number of uses; `until` None = not known to end.

    `source` says in words what gives it; `value` is the parameter that the kind of benefit asks for.
    """

    benefit: Benefit
    value: int | None
    source: str
    gate: str
    quota: int | None
    window: Window | None
    used: int
    until: dt.datetime | None

    @property
    def left(self) -> int | None:
        """How many uses are left in this period; None = any number."""
        return None if self.quota is None else max(self.quota - self.used, 0)

    @property
    def resets_on(self) -> dt.date | None:
        """The first local day of the next period; None if there is no quota or it never begins anew."""
        return self.window.resets_on if self.window else None


@dataclass(frozen=True, slots=True)
class _Offer:
    """One way in which one member has one benefit."""

    benefit: Benefit
    allowance: Allowance
    source: str
    gate: str
    term: Term
    adds: bool = False

    @property
    def quota(self) -> int | None:
        """How many uses a period; what is handed out comes once, if nothing is said."""
        is_pack = self.benefit.kind in Benefit.HANDED_OUT
        return 1 if self.allowance.quota is None and is_pack else self.allowance.quota

    @property
    def yearly(self) -> int | None:
        """About how many uses a year the quota allows; None = any number."""
        return None if self.quota is None else self.quota * PER_YEAR[Period(self.allowance.period)]

    def window(self, at: dt.datetime) -> Window | None:
        if self.quota is None:
            return None
        return Period(self.allowance.period).window(at, *self.term)


def of(member: Member, at: dt.datetime, *, used_at: dt.datetime | None = None) -> list[Entitlement]:
    """What one member is entitled to, in the catalogue's order. As many queries as for many members.

    `used_at` is for what an order of `at` still gives later (domain.md E54): quotas are those of that instant.
    """
    return of_many([member], at, used_at=used_at)[member.pk]


def of_many(
    members: Collection[Member], at: dt.datetime, *, used_at: dt.datetime | None = None
) -> dict[int, list[Entitlement]]:
    """By member's id. A fixed number of queries, however many members: at most 17."""
    active = [member for member in members if member.status == Member.Status.ACTIVE]
    return {member.pk: [] for member in members} | _with_uses(_given(active, at, used_at or at))


def of_order(order: Order, member: Member, at: dt.datetime) -> list[Entitlement]:
    """What an order gives after the sale (domain.md E54): what its buyer had when it was paid, else completed.

    The buyer may have been merged into `member` since (E58), who uses it now, within the quotas of now.
    """
    bought_at = order.paid_at or order.completed_at
    assert bought_at is not None
    given = _given([order.member], bought_at, at)
    return _with_uses({member.pk: given[order.member_id]})[member.pk]


def _given(members: Collection[Member], at: dt.datetime, used_at: dt.datetime) -> dict[int, list[Entitlement]]:
    """By member's id what each had at an instant, as if nothing of the quotas of `used_at` had been used."""
    grants = granted(at)
    return {
        member.pk: [_best(same, used_at) for same in _by_benefit(_offers(member.pk, grants, facts, at))]
        for member, facts in belongings.of_many(members, grants, at)
    }


def _with_uses(given: dict[int, list[Entitlement]]) -> dict[int, list[Entitlement]]:
    used = _used(given)
    return {
        pk: [replace(one, used=used[pk, one.benefit.pk, one.window.name]) if one.window else one for one in entitled]
        for pk, entitled in given.items()
    }


def granted(at: dt.datetime) -> list[BenefitGrant]:
    """The grants in force at an instant, with all they name. Two queries, or none for the items if there is no bundle."""
    named = ("benefit", "bundle", "tier", "medal_level__medal", "plan", "threshold", "club", "segment")
    grants = BenefitGrant.objects.in_force(at).select_related(*named).prefetch_related("bundle__items__benefit")
    return list(grants.order_by("pk"))


def contents(grant: BenefitGrant) -> Iterator[tuple[Benefit, Allowance]]:
    """What a grant gives: its benefit, or each one of its bundle."""
    if grant.benefit is not None:
        yield grant.benefit, grant
    elif grant.bundle is not None:
        for item in grant.bundle.items.all():
            yield item.benefit, item


def find(entitlements: Iterable[Entitlement], code: str) -> Entitlement | None:
    """The entitlement to a benefit by its code."""
    return next((found for found in entitlements if found.benefit.code == code), None)


# What the checkout asks -------------------------------------------------------------------------------------


def free_shipping(entitlements: Iterable[Entitlement]) -> int | None:
    """From which order cash (minor units) shipping is free: the lowest threshold that still has a use left; None = never."""
    usable = (found for found in entitlements if found.benefit.kind == Benefit.Kind.FREE_SHIPPING and found.left != 0)
    return min((found.value for found in usable if found.value is not None), default=None)


def category_discounts(entitlements: Iterable[Entitlement]) -> dict[str, int]:
    """By category (the shop's code): how many per cent the member pays less; the highest that still has a use left."""
    discounts: dict[str, int] = {}
    for found in entitlements:
        if found.benefit.kind == Benefit.Kind.CATEGORY_DISCOUNT and found.left != 0 and found.value:
            category = found.benefit.category
            discounts[category] = max(discounts.get(category, 0), found.value)
    return discounts


# Which grants reach a member --------------------------------------------------------------------------------


def _term(grant: BenefitGrant, facts: Belongings) -> Term | None:
    """For how long the member belongs to the audience of the grant; None if not at all."""
    if grant.audience == Audience.PLAN:
        return facts.plans.get(grant.plan_id or 0)
    if grant.tier is not None:
        belongs = facts.rank is not None and facts.rank >= grant.tier.rank
    elif grant.medal_level is not None:
        belongs = facts.medals.get(grant.medal_level.medal_id, 0) >= grant.medal_level.number
    elif grant.threshold is not None:
        belongs = grant.threshold.is_met_by(facts.score)
    elif grant.club_id is not None:
        belongs = facts.clubs.get(grant.club_id, 0) >= grant.club_level
    else:
        belongs = grant.segment_id in facts.segments
    return Term() if belongs else None


def _offers(member_id: int, grants: Iterable[BenefitGrant], facts: Belongings, at: dt.datetime) -> Iterator[_Offer]:
    for grant in grants:
        term = _term(grant, facts)
        if term is None:
            continue
        adds = grant.bundle is not None and grant.bundle.adds_quotas
        for benefit, allowance in contents(grant):
            if benefit.is_on(at):
                yield _Offer(benefit, allowance, _source(grant), grant.gate, term, adds)
    for gift in facts.gifts:
        if gift.benefit.is_on(at):
            source = gettext("Birthday pack") if gift.source == MemberGrant.Source.BIRTHDAY else gettext("Given to you")
            yield _Offer(gift.benefit, gift, source, "", Term(gift.starts_at, gift.ends_at))


def _source(grant: BenefitGrant) -> str:
    """What gives, in words; a bundle named like its plan is not named twice."""
    whom = grant.whom
    return whom if grant.bundle is None or str(grant.bundle) == whom else f"{grant.bundle}: {whom}"


def _by_benefit(offers: Iterable[_Offer]) -> list[list[_Offer]]:
    found: dict[int, list[_Offer]] = defaultdict(list)
    for offer in offers:
        found[offer.benefit.pk].append(offer)
    return sorted(found.values(), key=lambda same: (same[0].benefit.saves, same[0].benefit.name, same[0].benefit.pk))


def _best(offers: list[_Offer], at: dt.datetime) -> Entitlement:
    """The best of several offers of one benefit: the better parameter, then the larger quota, then the older grant."""
    best = offers[0]
    for offer in offers[1:]:
        if _beats(offer, best):
            best = offer
    quota, window = best.quota, best.window(at)
    if quota is not None:
        others = (offer for offer in offers if offer is not best and (offer.adds or best.adds))
        quota += sum(offer.quota or 0 for offer in others if offer.window(at) == window)
    return Entitlement(
        benefit=best.benefit,
        value=best.allowance.value,
        source=best.source,
        gate=best.gate,
        quota=quota,
        window=window,
        used=0,
        until=best.term.until,
    )


def _beats(one: _Offer, other: _Offer) -> bool:
    parameter = one.benefit.parameter
    if parameter and one.allowance.value != other.allowance.value:
        return parameter.better(one.allowance.value, other.allowance.value)
    mine, theirs = one.yearly, other.yearly
    return theirs is not None and (mine is None or mine > theirs)


def _used(best: dict[int, list[Entitlement]]) -> Counter[tuple[int, int, str]]:
    """How often each benefit with a quota was used in its window, by any name (E58). Two queries, or none without quotas."""
    windows = {found.window.name for entitlements in best.values() for found in entitlements if found.window}
    found: Counter[tuple[int, int, str]] = Counter()
    if not windows:
        return found
    heirs = kin.heirs(best)
    rows = Quota.objects.filter(member__in=heirs, window__in=windows).order_by()
    for member, benefit, window, used in rows.values_list("member_id", "benefit_id", "window", "used"):
        found[heirs[member], benefit, window] += used
    return found
