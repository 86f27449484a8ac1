"""Growth and tier of members who are merged, and their parting again (domain.md E58)."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Q, Sum

from common import clock
from loyalty.models import GrowthEntry, Ladder, Standing, Tier, TierChange, Wallet
from loyalty.services import judgement, ladders
from loyalty.services.ladders import Step

if TYPE_CHECKING:
    from loyalty.services.desk import Desk

Decay, Kind, Reason = Ladder.Decay, GrowthEntry.Kind, TierChange.Reason


class Leg(NamedTuple):
    """A merge on the way that growth has gone: who took it, and under which references."""

    taker: Standing
    references: Collection[str]


class Share(NamedTuple):
    """Growth that came from one member: the day it counts on, the day it was booked, and how much."""

    occurred_on: dt.date
    booked_on: dt.date
    growth: int

    @classmethod
    def of(cls, entry: GrowthEntry) -> Share:
        return cls(entry.occurred_on, clock.local_date(entry.at), entry.delta)


def merge(desk: Desk, source: Wallet, target: Wallet, *, reference: str) -> None:
    """Bring a merged member's growth, first order and tier to the other one; the source is not reviewed any more.

    The higher of the two tiers is kept, with what is true of it: its review, its grace, its end if it was set by hand,
    and that it is provisional.
    """
    giver, taker = source.member.standing, target.member.standing
    for wallet in (source, target):
        desk.growth.keep_up(wallet)
    _move(desk, source, target, _days(desk, giver), reference)
    if giver.ordered_at and (taker.ordered_at is None or giver.ordered_at < taker.ordered_at):
        desk.change(taker, ordered_at=giver.ordered_at)
    _inherit(desk, giver, target, reference)
    desk.change(giver, due_at=None, tier_until=None, override_until=None, provisional_until=None, in_grace=False)


def unmerge(
    desk: Desk, source: Wallet, holder: Wallet, *, way: Sequence[Leg], gone: Collection[str], reference: str
) -> None:
    """Bring back what is left of the growth that came by the merge; the tier follows from it.

    It lies with `holder`, where `way` has led: the merge that is undone, and those of the target since. What the source's
    orders and reviews gave and took meanwhile goes with them; what left under the references `gone` has left already.
    """
    ladder, standing = desk.growth.ladder, source.member.standing
    for wallet in (source, holder):
        desk.growth.keep_up(wallet)
    _move(desk, holder, source, _left(desk, source, holder, way, gone), reference)
    if ladder is not None and standing.tier is not None:
        step = ladder.deserved_by(standing)
        until = ladder.valid_until(step, desk.growth.today)
        desk.growth.change(source, step, until, Reason.MERGE, reference)


def _days(desk: Desk, standing: Standing) -> dict[dt.date, int]:
    """Growth by the day it counts on: a window is to lose each day at its time, all else counts from today."""
    ladder = desk.growth.ladder
    if ladder is None or ladder.ladder.decay != Decay.WINDOW:
        return {desk.growth.today: standing.growth}
    counted = GrowthEntry.objects.filter(
        member=standing.pk, kind__in=judgement.COUNTED, occurred_on__gte=standing.reckoned_on
    )
    return dict(counted.order_by("occurred_on").values_list("occurred_on").annotate(Sum("delta")))


def _left(desk: Desk, source: Wallet, holder: Wallet, way: Sequence[Leg], gone: Collection[str]) -> dict[dt.date, int]:
    """What time and refunds have left of the growth that came from the source, by the day it counts on."""
    of_source = Q(order__member=source.member_id) | Q(review__member=source.member_id)
    since = of_source | Q(kind=Kind.MERGE, reference__in=gone)
    days: Counter[dt.date] = Counter()
    for number, (standing, references) in enumerate(way):
        of_standing = GrowthEntry.objects.filter(member=standing.pk)
        came = list(of_standing.filter(kind=Kind.MERGE, delta__gt=0, reference__in=references).order_by("seq"))
        if not came:
            return {}
        shares = [Share.of(entry) for entry in came]
        if number:  # All that the target had came along: of each day no more than that is the source's.
            arrived = _by_day(desk, shares)
            shares = [
                Share(day, shares[0].booked_on, min(left, arrived[day])) for day, left in days.items() if left > 0
            ]
        shares += [Share.of(entry) for entry in of_standing.filter(since, seq__gt=came[0].seq)]
        days = _by_day(desk, [share._replace(growth=_worth(desk, standing, share)) for share in shares])
    return {day: min(left, holder.member.standing.growth) for day, left in sorted(days.items()) if left > 0}


def _by_day(desk: Desk, shares: Iterable[Share]) -> Counter[dt.date]:
    is_window = desk.growth.ladder is not None and desk.growth.ladder.ladder.decay == Decay.WINDOW
    days: Counter[dt.date] = Counter()
    for share in shares:
        days[share.occurred_on if is_window else desk.growth.today] += share.growth
    return days


def _worth(desk: Desk, standing: Standing, share: Share) -> int:
    """What time has left of it."""
    ladder, since = desk.growth.ladder, standing.reckoned_on
    if ladder is None or since is None:
        return share.growth
    if ladder.ladder.decay == Decay.HALF_LIFE:
        left = ladders.faded(abs(share.growth), ladder.fading((since - share.booked_on).days))
        return left if share.growth > 0 else -left
    gone = {Decay.WINDOW: share.occurred_on < since, Decay.RESET: share.booked_on < since}
    return 0 if gone.get(Decay(ladder.ladder.decay), False) else share.growth


def _move(desk: Desk, giver: Wallet, taker: Wallet, days: dict[dt.date, int], reference: str) -> None:
    for day, growth in days.items():
        if moved := min(growth, giver.member.standing.growth):
            desk.growth.post_time(giver, Kind.MERGE, -moved, day, reference=reference)
            desk.growth.post_time(taker, Kind.MERGE, moved, day, reference=reference)


def _inherit(desk: Desk, giver: Standing, target: Wallet, reference: str) -> None:
    taker, ladder = target.member.standing, desk.growth.ladder
    if ladder is None or taker.override_until is not None:
        return
    deserved = ladder.deserved_by(taker)
    highest = max(_rank(taker.tier), deserved.rank)
    brought = ladder.by_tier.get(giver.tier_id or 0)
    if brought is not None and brought.rank > highest and (giver.override_until or not ladder.ladder.by_rank):
        desk.change(taker, override_until=giver.override_until)
        _rise(desk, giver, target, brought, giver.tier_until, reference)
        desk.change(taker, in_grace=giver.in_grace)
    elif deserved.rank > _rank(taker.tier):
        _rise(desk, giver, target, deserved, ladder.valid_until(deserved, desk.growth.today), reference)


def _rise(desk: Desk, giver: Standing, target: Wallet, step: Step, until: dt.datetime | None, reference: str) -> None:
    """What rests on an order whose return window is still open is provisional, whoever gave the order (E11)."""
    book, taker = desk.growth, target.member.standing
    sure = max(book.secure_tier(giver), book.secure_tier(taker), key=_rank)
    for standing in (giver, taker):
        if standing.provisional_until is not None:
            book.provide(taker, standing.provisional_until, sure)
    book.change(target, step, until, Reason.MERGE, reference)


def _rank(tier: Tier | None) -> int:
    return -1 if tier is None else tier.rank
