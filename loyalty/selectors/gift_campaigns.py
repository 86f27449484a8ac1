"""Gift campaigns: whom one means now, and for which occasion; what it would do if it started."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext

from common import clock
from loyalty.models import GiftAmount, GiftAssignment, GiftCampaign, Lifecycle, Lot, SegmentMember, Tier
from loyalty.selectors import anniversaries
from members.models import Member

Trigger, Status, Arm = GiftCampaign.Trigger, GiftCampaign.Status, GiftAssignment.Arm

_BETWEEN_BIRTHDAYS = dt.timedelta(days=350)
"""A year less the window: whoever changes the birthday after a gift, or is merged, has no second one before (F19, E58)."""

_SAME = ("member", "member__merged_into", "member__merged_into__merged_into")


def on(at: dt.datetime) -> QuerySet[GiftCampaign]:
    """The campaigns that give at an instant."""
    return GiftCampaign.objects.filter(status=Status.RUNNING, starts_at__lte=at, ends_at__gt=at)


def anybody_due(as_of: dt.datetime) -> bool:
    """Whether any campaign that is on means somebody now."""
    return any(due(campaign, as_of).exists() for campaign in on(as_of))


def due(campaign: GiftCampaign, as_of: dt.datetime, amounts: Sequence[GiftAmount] | None = None) -> QuerySet[Member]:
    """The active members whom the campaign means now and has not reached for this `occasion`, which is annotated.

    Who is held out is decided afterwards: whatever stands here is asked of both groups alike. Tiers, stages of life and
    segments are those of the last night. `amounts` are those of a form that is not saved yet.
    """
    amounts = list(campaign.amounts.all()) if amounts is None else amounts
    people = Member.objects.filter(_tiers(amounts), status=Member.Status.ACTIVE, registered_at__lte=as_of)
    if campaign.segment_id:
        listed = SegmentMember.objects.filter(segment=campaign.segment_id, member=OuterRef("pk"))
        people = people.filter(Exists(listed))
    people = _TRIGGERS[Trigger(campaign.trigger)](campaign, people, as_of)
    if campaign.pk:
        reached = GiftAssignment.objects.filter(campaign=campaign, occasion=OuterRef("occasion"))
        people = people.filter(*_none_of(reached))
    if campaign.rest_days:
        since = as_of - dt.timedelta(days=campaign.rest_days)
        people = people.filter(*_none_of(GiftAssignment.objects.filter(arm=Arm.TREATED, at__gt=since)))
    return people


def _tiers(amounts: Sequence[GiftAmount]) -> Q:
    if any(amount.tier_id is None for amount in amounts):
        return Q()
    return Q(standing__tier__in=[amount.tier_id for amount in amounts])


def _none_of(reached: QuerySet[GiftAssignment]) -> list:
    """No such row of the member, nor of anybody who was merged into the member (E58)."""
    return [~Exists(reached.filter(**{path: OuterRef("pk")})) for path in _SAME]


def _once(campaign: GiftCampaign, people: QuerySet[Member], as_of: dt.datetime) -> QuerySet[Member]:
    return people.annotate(occasion=Value("once", CharField()))


def _lapsed(campaign: GiftCampaign, people: QuerySet[Member], as_of: dt.datetime) -> QuerySet[Member]:
    """F24: by the nightly statistics. Whoever has ordered is never new again, so this is no new member's gift."""
    lapsed = people.filter(stats__lifecycle=Lifecycle.LAPSED, stats__last_order_on__isnull=False)
    return lapsed.annotate(occasion=Concat(Value("lapse:"), Cast("stats__last_order_on", CharField())))


def _birthday(campaign: GiftCampaign, people: QuerySet[Member], as_of: dt.datetime) -> QuerySet[Member]:
    people = _coming_round("birthday", "birthday", people, as_of)
    before = GiftAssignment.objects.filter(
        campaign=campaign.pk, occasion__startswith="birthday:", at__gt=as_of - _BETWEEN_BIRTHDAYS
    )
    return people.filter(*_none_of(before)) if campaign.pk else people


def _anniversary(campaign: GiftCampaign, people: QuerySet[Member], as_of: dt.datetime) -> QuerySet[Member]:
    """Not on the day of joining itself: a year must be over by the day that comes round."""
    newest = clock.months_after(clock.local_date(as_of) + anniversaries.BEFORE, -12)
    joined = people.filter(registered_at__lt=clock.day_end(newest))
    return _coming_round("anniversary", "registered_at", joined, as_of)


def _coming_round(name: str, path: str, people: QuerySet[Member], as_of: dt.datetime) -> QuerySet[Member]:
    windows = anniversaries.windows(path, clock.local_date(as_of))
    whens = [When(condition, then=Value(f"{name}:{year}")) for year, condition in windows]
    return people.annotate(occasion=Case(*whens, output_field=CharField())).filter(occasion__isnull=False)


def _expiring(campaign: GiftCampaign, people: QuerySet[Member], as_of: dt.datetime) -> QuerySet[Member]:
    until = clock.day_end(clock.local_date(as_of) + dt.timedelta(days=campaign.near_days))
    lots = Lot.objects.filter(is_open=True, is_pending=False, expires_at__gt=as_of, expires_at__lte=until)
    accounts = lots.values("account").annotate(points=Sum("remaining")).filter(points__gte=campaign.near_points)
    month = f"expiry:{clock.local_date(as_of):%Y-%m}"
    near = people.filter(wallet__account__in=accounts.order_by().values("account"))
    return near.annotate(occasion=Value(month, CharField()))


_TRIGGERS = {
    Trigger.ONCE: _once,
    Trigger.LAPSE: _lapsed,
    Trigger.BIRTHDAY: _birthday,
    Trigger.ANNIVERSARY: _anniversary,
    Trigger.EXPIRY: _expiring,
}


def gift(amounts: dict[int | None, int], tier_id: int | None) -> int:
    """What a member of a tier gets, by the campaign's amounts."""
    return amounts.get(tier_id, amounts.get(None, 0))


def counts(campaign: GiftCampaign) -> dict[str, int]:
    """How many members were treated and held out, by arm; a member of several occasions counts for each."""
    rows = GiftAssignment.objects.filter(campaign=campaign).order_by().values("arm").annotate(n=Count("pk"))
    return dict(rows.values_list("arm", "n"))


def references(texts: Collection[str]) -> dict[str, str]:
    """What the ledger calls gift:<code>/<occasion>, in words: the campaign's name. One query."""
    codes = {text: text.partition(":")[2].split("/")[0] for text in texts}
    names = dict(GiftCampaign.objects.filter(code__in=set(codes.values())).values_list("code", "name"))
    return {text: gettext("gift: %s") % names[code] for text, code in codes.items() if code in names}


@dataclass(frozen=True, slots=True)
class Preview:
    """What a campaign would do if it began now. `held_out` is what is expected: chance decides it for each member.

    `now` is what it would give at once and `most` what it can ever give, both in points and within the budget.
    `tiers` counts the members meant, with what each gets; `overlaps` those whom another running campaign means, too.
    """

    members: int
    held_out: int
    now: int
    most: int
    is_short: bool
    tiers: list[tuple[Tier | None, int, int]]
    sample: list[Member]
    overlaps: list[tuple[GiftCampaign, int]]


def preview(
    campaign: GiftCampaign, at: dt.datetime, amounts: Sequence[GiftAmount] | None = None, *, sample: int
) -> Preview:
    """The preview of a campaign, saved or not, as of its start or now. Five queries, and one for each other campaign."""
    amounts = list(campaign.amounts.select_related("tier")) if amounts is None else amounts
    as_of = max(at, campaign.starts_at) if campaign.starts_at else at
    people = due(campaign, as_of, amounts)
    counted = (
        people.order_by()
        .values("standing__tier")
        .annotate(members=Count("pk"))
        .values_list("standing__tier", "members")
    )
    tiers = _by_tier(dict(counted), amounts)
    members = sum(count for _tier, count, _points in tiers)
    treated = 100 - campaign.holdout_percent
    wanted = sum(count * points for _tier, count, points in tiers) * treated // 100
    return Preview(
        members=members,
        held_out=members * campaign.holdout_percent // 100,
        now=min(wanted, campaign.budget),
        most=min(wanted, campaign.budget) if campaign.trigger == Trigger.ONCE else campaign.budget,
        is_short=wanted > campaign.budget,
        tiers=tiers,
        sample=list(people.order_by("pk")[:sample]),
        overlaps=_overlaps(campaign, people, as_of),
    )


def _by_tier(counted: dict[int | None, int], amounts: Collection[GiftAmount]) -> list[tuple[Tier | None, int, int]]:
    """Members and points by the rows of the campaign, the highest tier first; everybody else last."""
    own = [(amount.tier, amount.points) for amount in amounts if amount.tier]
    ranked = sorted(own, key=lambda row: -row[0].rank)
    told: list[tuple[Tier | None, int, int]] = [(tier, counted.pop(tier.pk, 0), points) for tier, points in ranked]
    return told + [(None, sum(counted.values()), amount.points) for amount in amounts if amount.tier is None]


def _overlaps(campaign: GiftCampaign, people: QuerySet[Member], as_of: dt.datetime) -> list[tuple[GiftCampaign, int]]:
    """Other campaigns that run or wait, with how many of these people they mean now or have treated within 30 days."""
    others = GiftCampaign.objects.filter(status=Status.RUNNING, ends_at__gt=as_of).exclude(pk=campaign.pk)
    found = []
    for other in others.prefetch_related("amounts"):
        lately = GiftAssignment.objects.filter(
            campaign=other, arm=Arm.TREATED, at__gt=as_of - dt.timedelta(days=30), member=OuterRef("pk")
        )
        meant = Q(pk__in=due(other, as_of).order_by().values("pk"))
        if both := people.filter(Exists(lately) | meant).count():
            found.append((other, both))
    return found
