"""What members are entitled to at an instant (domain.md S1-06, E54; docs/decisions/0021).

Grants are looked at as they were at that instant, and so are tiers, medal levels, plans, settled scores and gifts;
segments and merchants' cards keep no history and count as they are. Of several grants of one benefit the best parameter
wins, then the larger quota; quotas do not add, unless a bundle says so.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext

from loyalty.models import MedalAward, MedalStanding, ScoreSnapshot, SegmentMember, Standing, Tier, TierChange
from members.models import Member, Subscription
from members.selectors import kin
from merchants.models import Card
from rewards.models import PER_YEAR, Allowance, Benefit, BenefitGrant, MemberGrant, Period, Quota, Window
from rewards.selectors.audiences import OPEN_CLUBS

Audience = BenefitGrant.Audience


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


class Term(NamedTuple):
    """From when to when something gives: a subscription, a gift; None = open."""

    since: dt.datetime | None = None
    until: dt.datetime | None = None


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
    """By member's id. A fixed number of queries, however many members: at most 16."""
    active = [member for member in members if member.status == Member.Status.ACTIVE]
    grants = granted(at)
    offers = {member.pk: list(_offers(member.pk, grants, facts, at)) for member, facts in _facts(active, grants, at)}
    best = {pk: [_best(same, used_at or at) for same in _by_benefit(found)] for pk, found in offers.items()}
    used = _used(best)
    return {
        member.pk: [
            replace(found, used=used.get((member.pk, found.benefit.pk, found.window.name), 0))
            if found.window
            else found
            for found in best.get(member.pk, [])
        ]
        for member in members
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


@dataclass(slots=True)
class _Facts:
    """What grants ask of one member."""

    rank: int | None
    medals: dict[int, int]
    plans: dict[int, Term]
    score: int | None
    clubs: dict[int, int]
    segments: set[int]
    gifts: list[MemberGrant]


def _facts(
    members: Collection[Member], grants: Collection[BenefitGrant], at: dt.datetime
) -> Iterator[tuple[Member, _Facts]]:
    """Read what the grants ask for, and only that; one or two queries a kind of audience."""
    keys = [member.pk for member in members]
    asked: dict[str, set[int]] = defaultdict(set)
    for grant in grants:
        asked[grant.audience].add(grant.target.pk)
    ranks = tiers(keys, at) if Audience.TIER in asked else {}
    medals = _medals(keys, at) if Audience.MEDAL in asked else {}
    plans = _plans(keys, asked[Audience.PLAN], at) if Audience.PLAN in asked else {}
    scores = _scores(keys, at) if Audience.SCORE in asked else {}
    clubs = _clubs(keys, asked[Audience.CLUB], at) if Audience.CLUB in asked else {}
    segments = _segments(keys, asked[Audience.SEGMENT]) if Audience.SEGMENT in asked else {}
    gifts = _gifts(keys, at)
    for member in members:
        tier = ranks.get(member.pk)
        yield (
            member,
            _Facts(
                tier.rank if tier else None,
                medals.get(member.pk, {}),
                plans.get(member.pk, {}),
                scores.get(member.pk),
                clubs.get(member.pk, {}),
                segments.get(member.pk, set()),
                gifts.get(member.pk, []),
            ),
        )


def _term(grant: BenefitGrant, facts: _Facts) -> Term | None:
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


def _offers(member_id: int, grants: Iterable[BenefitGrant], facts: _Facts, at: dt.datetime) -> Iterator[_Offer]:
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


def _used(best: dict[int, list[Entitlement]]) -> dict[tuple[int, int, str], int]:
    """How often each benefit with a quota was used in its window. One query, or none without quotas."""
    windows = {found.window.name for entitlements in best.values() for found in entitlements if found.window}
    if not windows:
        return {}
    rows = Quota.objects.filter(member__in=best, window__in=windows).order_by()
    return {(m, b, w): used for m, b, w, used in rows.values_list("member_id", "benefit_id", "window", "used")}


# As of an instant -------------------------------------------------------------------------------------------


def tiers(member_ids: Collection[int], at: dt.datetime) -> dict[int, Tier | None]:
    """The tier each member had at an instant: before the first change after it, else the one there is. Two queries."""
    found = {
        standing.pk: standing.tier for standing in Standing.objects.filter(member__in=member_ids).select_related("tier")
    }
    later = TierChange.objects.filter(member__in=member_ids, at__gt=at).select_related("before")
    for change in later.order_by("-at", "-id"):
        found[change.member_id] = change.before
    return found


def _medals(member_ids: Collection[int], at: dt.datetime) -> dict[int, dict[int, int]]:
    """By member and medal (id): the number of the level held at an instant. Two queries."""
    found: dict[int, dict[int, int]] = defaultdict(dict)
    held = MedalStanding.objects.filter(member__in=member_ids, level__isnull=False, medal__is_active=True)
    for member_id, medal_id, number in held.order_by().values_list("member_id", "medal_id", "level__number"):
        found[member_id][medal_id] = number
    later = MedalAward.objects.filter(member__in=member_ids, at__gt=at, medal__is_active=True).order_by("-at", "-id")
    for member_id, medal_id, number in later.values_list("member_id", "medal_id", "before__number"):
        found[member_id][medal_id] = number or 0
    return found


def _plans(member_ids: Collection[int], plans: Collection[int], at: dt.datetime) -> dict[int, dict[int, Term]]:
    """Whoever has paid keeps what was paid for, whatever else happens in the term (domain.md E57)."""
    found: dict[int, dict[int, Term]] = defaultdict(dict)
    rows = Subscription.objects.filter(member__in=member_ids, plan__in=plans, starts_at__lte=at, ends_at__gt=at)
    for row in rows.order_by("starts_at"):
        found[row.member_id][row.plan_id] = Term(row.starts_at, row.ends_at)
    return found


def _scores(member_ids: Collection[int], at: dt.datetime) -> dict[int, int]:
    """The settled score that counted at an instant (domain.md E28)."""
    newest = ScoreSnapshot.objects.filter(member=OuterRef("pk"), at__lte=at).order_by("-month").values("value")[:1]
    rows = Member.objects.filter(pk__in=member_ids).order_by().values_list("pk", Subquery(newest))
    return {member_id: score for member_id, score in rows if score is not None}


def _clubs(member_ids: Collection[int], clubs: Collection[int], at: dt.datetime) -> dict[int, dict[int, int]]:
    found: dict[int, dict[int, int]] = defaultdict(dict)
    not_left = Q(left_at__isnull=True) | Q(left_at__gt=at)
    rows = Card.objects.filter(not_left, member__in=member_ids, club__in=clubs, joined_at__lte=at)
    rows = rows.filter(club__status__in=OPEN_CLUBS).order_by()
    for member_id, club_id, level in rows.values_list("member_id", "club_id", "level"):
        found[member_id][club_id] = level
    return found


def _segments(member_ids: Collection[int], segments: Collection[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    rows = SegmentMember.objects.filter(member__in=member_ids, segment__in=segments)
    for member_id, segment_id in rows.values_list("member_id", "segment_id"):
        found[member_id].add(segment_id)
    return found


def _gifts(member_ids: Collection[int], at: dt.datetime) -> dict[int, list[MemberGrant]]:
    """What was given to the members, or to members who were merged into them (domain.md E58)."""
    found: dict[int, list[MemberGrant]] = defaultdict(list)
    heirs = kin.heirs(member_ids)
    for gift in MemberGrant.objects.in_force(at).filter(member__in=heirs).select_related("benefit").order_by("pk"):
        found[heirs[gift.member_id]].append(gift)
    return found
