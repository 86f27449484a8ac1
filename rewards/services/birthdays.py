"""Birthday packs (domain.md F19): once a birthday year, in a window around it, with what the tier at that time brings.

The night looks at everybody whose window is open and who has no pack for that birthday: a night that was missed is
caught up by the next one, as long as the window is open.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet

from common import clock
from common.models import JobRun, Staff
from common.services import jobs
from loyalty.facts import PointsEarned
from loyalty.models import Lot, Tier
from loyalty.selectors import spans
from loyalty.services.desk import Desk
from members.models import Member
from members.selectors import kin
from rewards import facts
from rewards.models import Benefit, BenefitGrant, BenefitUse, BirthdayPack, BundleItem, MemberGrant
from rewards.selectors import belongings, benefit_costs, entitlements

JOB = "birthday-packs"
MEMBERS_PER_CHUNK = 1000

LeapDay = Benefit.LeapDay


@dataclass(frozen=True, slots=True)
class Celebration:
    """One birthday of one member; the window of local days [first, end) in which its pack is good."""

    member: Member
    on: dt.date
    first: dt.date
    end: dt.date


def issue(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Give the packs whose window is open on the local day of `as_of`. In chunks; safe to stop, repeat and run twice."""
    day = clock.local_date(as_of)
    return jobs.run(
        JOB,
        as_of,
        spans=lambda: spans.of(_people(list(_kinds(at)), day), MEMBERS_PER_CHUNK, by="id"),
        work=lambda first, last: _issue_span(first, last, day, at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def birthday_in(year: int, birthday: dt.date, leap_day: str) -> dt.date:
    """The birthday in a year; 29 February as the rule says where there is none."""
    if (birthday.month, birthday.day) == (2, 29) and not _is_leap(year):
        return dt.date(year, 2, 28) if leap_day == LeapDay.EARLIER else dt.date(year, 3, 1)
    return dt.date(year, birthday.month, birthday.day)


def window(benefit: Benefit, birthday: dt.date, day: dt.date) -> tuple[dt.date, dt.date, dt.date] | None:
    """The birthday whose window is open on a day, with the window; None if none is. The window may cross New Year."""
    for year in (day.year, day.year + 1, day.year - 1):
        on = birthday_in(year, birthday, benefit.leap_day)
        first = on - dt.timedelta(days=benefit.days_before)
        end = first + dt.timedelta(days=benefit.valid_days)
        if first <= day < end:
            return on, first, end
    return None


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _kinds(at: dt.datetime) -> Iterable[Benefit]:
    """The birthday packs of the catalogue that are on."""
    found = Benefit.objects.filter(kind=Benefit.Kind.BIRTHDAY_PACK, is_active=True)
    return (benefit for benefit in found if benefit.is_on(at))


def _people(packs: list[Benefit], day: dt.date) -> QuerySet[Member]:
    """Persons with a verified phone whose birthday is near; businesses have none."""
    dates: set[tuple[int, int]] = set()
    for benefit in packs:
        for back in range(-benefit.days_before, benefit.valid_days - benefit.days_before):
            near = day - dt.timedelta(days=back)
            dates.add((near.month, near.day))
    if dates & {(2, 28), (3, 1)}:
        dates.add((2, 29))
    people = Member.objects.filter(status=Member.Status.ACTIVE, kind=Member.Kind.PERSON, phone_verified=True)
    if not dates:
        return people.none()
    months: dict[int, list[int]] = defaultdict(list)
    for month, date in dates:
        months[month].append(date)
    return people.filter(
        reduce(or_, (Q(birthday__month=month, birthday__day__in=days) for month, days in sorted(months.items())))
    )


def _issue_span(first: int, last: int, day: dt.date, at: dt.datetime) -> dict[str, int]:
    people = list(_people(list(_kinds(at)), day).filter(pk__gte=first, pk__lte=last).order_by("pk"))
    desk = Desk([member.external_id for member in people], at)
    desk.book.load_lots([wallet.account_id for wallet in desk.wallets.values()])
    entitled = entitlements.of_many(people, at)
    earlier = _earlier(people)
    contents = _contents(at)
    tiers = belongings.tiers([member.pk for member in people], at)
    packs: list[BirthdayPack] = []
    gifts: list[MemberGrant] = []
    uses: list[BenefitUse] = []
    for member in people:
        found = next((one for one in entitled[member.pk] if one.benefit.kind == Benefit.Kind.BIRTHDAY_PACK), None)
        celebration = _celebration(member, found.benefit, day) if found else None
        if found is None or celebration is None or not _is_due(celebration, earlier[member.pk]):
            continue
        tier = tiers.get(member.pk)
        items = _items(contents, found.benefit, tier)
        packs.append(_pack(desk, celebration, found, tier, items, at))
        gifts += [_gift(packs[-1], item, at) for item in items]
        uses.append(_use(desk, packs[-1], found))
    BirthdayPack.objects.bulk_create(packs)
    MemberGrant.objects.bulk_create(gifts)
    BenefitUse.objects.bulk_create(uses)
    desk.close()
    return {"packs": len(packs), "points": sum(pack.points for pack in packs)}


def _celebration(member: Member, benefit: Benefit, day: dt.date) -> Celebration | None:
    assert member.birthday is not None
    found = window(benefit, member.birthday, day)
    return Celebration(member, *found) if found else None


def _earlier(people: list[Member]) -> dict[int, list[BirthdayPack]]:
    """The packs that members, or members merged into them (domain.md E58), have had."""
    found: dict[int, list[BirthdayPack]] = defaultdict(list)
    heirs = kin.heirs([member.pk for member in people])
    for pack in BirthdayPack.objects.filter(member__in=heirs):
        found[heirs[pack.member_id]].append(pack)
    return found


def _is_due(celebration: Celebration, earlier: list[BirthdayPack]) -> bool:
    """Once a birthday year; and whoever changed the birthday after a pack has none within a year of that one."""
    for pack in earlier:
        if pack.birthday_year == celebration.on.year:
            return False
        changed = pack.birthday != celebration.member.birthday
        if changed and celebration.on < clock.months_after(pack.celebrated_on, 12):
            return False
    return True


def _contents(at: dt.datetime) -> list[BenefitGrant]:
    """The grants that say what a pack holds."""
    rows = BenefitGrant.objects.in_force(at).filter(benefit__kind=Benefit.Kind.BIRTHDAY_PACK, pack__isnull=False)
    return list(rows.select_related("tier").prefetch_related("pack__items__benefit"))


def _items(grants: list[BenefitGrant], benefit: Benefit, tier: Tier | None) -> list[BundleItem]:
    """The benefits in the pack of the highest tier that the member has reached."""
    rank = tier.rank if tier else -1
    fitting = [
        grant
        for grant in grants
        if grant.benefit_id == benefit.pk and grant.tier is not None and grant.tier.rank <= rank
    ]
    best = max(fitting, key=lambda grant: grant.tier.rank if grant.tier else -1, default=None)
    return list(best.pack.items.all()) if best and best.pack else []


def _pack(
    desk: Desk,
    celebration: Celebration,
    found: entitlements.Entitlement,
    tier: Tier | None,
    items: list[BundleItem],
    at: dt.datetime,
) -> BirthdayPack:
    """The pack's row; its points are put on the desk."""
    member, points = celebration.member, found.value or 0
    pack = BirthdayPack(
        member=member,
        birthday_year=celebration.on.year,
        birthday=member.birthday,
        celebrated_on=celebration.on,
        benefit=found.benefit,
        tier=tier,
        points=points,
        contents=", ".join(item.benefit.name for item in items)[:300],
        valid_from=clock.day_start(celebration.first),
        valid_until=clock.day_start(celebration.end),
        issued_at=at,
    )
    if points:
        _pay(desk, pack, points)
    desk.publish(
        facts.BirthdayPackIssued(
            member.external_id,
            celebration.on.isoformat(),
            points,
            [item.benefit.code for item in items],
            pack.valid_until.isoformat(),
        )
    )
    return pack


def _pay(desk: Desk, pack: BirthdayPack, points: int) -> None:
    wallet, reference = desk.wallets[pack.member.external_id], f"birthday:{pack.birthday_year}"
    desk.book.settle(wallet.account_id)
    expires_at = desk.expires_at(None, desk.at)
    desk.book.grant(wallet.account_id, points, source=Lot.Source.ACTIVITY, reference=reference, expires_at=expires_at)
    desk.publish(PointsEarned(wallet.member.external_id, points, 0, reference))


def _gift(pack: BirthdayPack, item: BundleItem, at: dt.datetime) -> MemberGrant:
    """One benefit of a pack, for as long as the pack is good."""
    return MemberGrant(
        member=pack.member,
        benefit=item.benefit,
        source=MemberGrant.Source.BIRTHDAY,
        reference=f"birthday:{pack.birthday_year}",
        reason=f"Birthday {pack.celebrated_on:%Y-%m-%d}",
        value=item.value,
        quota=item.quota,
        period=item.period,
        starts_at=max(pack.valid_from, at),
        ends_at=pack.valid_until,
        given_at=at,
    )


def _use(desk: Desk, pack: BirthdayPack, found: entitlements.Entitlement) -> BenefitUse:
    """A pack is a use of its benefit: it counts in what was used, and what it cost."""
    return BenefitUse(
        member=pack.member,
        benefit=pack.benefit,
        key=f"birthday:{pack.birthday_year}",
        value=found.value,
        source=found.source[:200],
        tier=pack.tier,
        issuer_id=pack.benefit.issuer_id,
        cost=benefit_costs.cost_of(pack.benefit, found.value, desk.programme),
        at=pack.issued_at,
        used_on=clock.local_date(pack.issued_at),
    )
