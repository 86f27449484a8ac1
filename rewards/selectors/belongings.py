"""What members belonged to at an instant: tier, medal levels, plans, settled score, cards, segments, and gifts in force.

Segments and merchants' cards keep no history and count as they are.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import OuterRef, Q, Subquery

from loyalty.models import MedalAward, MedalStanding, ScoreSnapshot, SegmentMember, Standing, Tier, TierChange
from members.models import Member, Subscription
from members.selectors import kin
from merchants.models import Card
from rewards.models import BenefitGrant, MemberGrant
from rewards.selectors.audiences import OPEN_CLUBS

Audience = BenefitGrant.Audience


class Term(NamedTuple):
    """From when to when something gives: a subscription, a gift; None = open."""

    since: dt.datetime | None = None
    until: dt.datetime | None = None


@dataclass(slots=True)
class Belongings:
    """What grants ask of one member; `plans` and `clubs` by id, `medals` as the number of the level."""

    rank: int | None
    medals: dict[int, int]
    plans: dict[int, Term]
    score: int | None
    clubs: dict[int, int]
    segments: set[int]
    gifts: list[MemberGrant]


def of_many(
    members: Collection[Member], grants: Collection[BenefitGrant], at: dt.datetime
) -> Iterator[tuple[Member, Belongings]]:
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
            Belongings(
                tier.rank if tier else None,
                medals.get(member.pk, {}),
                plans.get(member.pk, {}),
                scores.get(member.pk),
                clubs.get(member.pk, {}),
                segments.get(member.pk, set()),
                gifts.get(member.pk, []),
            ),
        )


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
    """Whoever has paid keeps what was paid for, whatever else happens in the term (domain.md E57); a merge begins no new one."""
    found: dict[int, dict[int, Term]] = defaultdict(dict)
    rows = Subscription.objects.filter(member__in=member_ids, plan__in=plans, starts_at__lte=at, ends_at__gt=at)
    for row in rows.select_related("origin").order_by("starts_at"):
        found[row.member_id][row.plan_id] = Term(row.began_at, row.ends_at)
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
