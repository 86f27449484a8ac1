"""Growth from orders and reviews: given when they complete, taken back as far as they are (domain.md F1, F11, E18)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from django.db.models import Count

from common import clock
from common.services.inbox import Event
from loyalty.models import GrowthEntry, Order, ProductTally, Review, Wallet
from loyalty.services import growth
from loyalty.services.desk import Desk
from loyalty.services.orderfile import OrderFile

Kind = GrowthEntry.Kind


def prepare(desk: Desk, files: Sequence[OrderFile]) -> None:
    """Read what taking growth back needs: what these orders gave, and the bonuses of their months with the days left."""
    entries = {
        entry.order_id: entry
        for entry in GrowthEntry.objects.filter(order__in=[file.order.pk for file in files], kind=Kind.ORDER)
    }
    for file in files:
        file.growth = file.growth or entries.get(file.order.pk)
        if file.growth is not None:
            file.growth.order = file.order
    _prepare_bonuses(desk, [file for file in files if file.growth])


def complete(desk: Desk, wallet: Wallet, file: OrderFile) -> None:
    """A completed order gives growth by its cash; the first one opens the ladder to the member."""
    order, at, standing = file.order, file.earned_at, wallet.member.standing
    if standing.ordered_at is None or at < standing.ordered_at:
        desk.change(standing, ordered_at=at)
    policy = desk.growth.policy(at)
    base = growth.base_of(policy, file.lines) if policy is not None else 0
    desk.change(order, growth_due=base)
    if policy is not None and base:
        reference = f"order:{order.code}"
        file.growth = desk.growth.give(wallet, Kind.ORDER, base, policy, at, reference=reference, order=order)
        _count_day(desk, file, 1)
    desk.growth.climb(wallet, at, f"order:{order.code}")


def give_back(desk: Desk, wallet: Wallet, file: OrderFile, reference: str) -> None:
    """Take back what the policy does not give for the cash that is still kept; thresholds are tested again (E4)."""
    order, entry = file.order, file.growth
    desk.mark(wallet, clock.local_date(file.earned_at))
    policy = desk.growth.policy_by_id.get(entry.policy_id or 0) if entry else desk.growth.policy(file.earned_at)
    if policy is None:
        return
    left = min(growth.base_of(policy, file.lines), order.growth_due)
    gone = order.growth_due - left
    desk.change(order, growth_due=left)
    if gone and entry is not None:
        desk.growth.take_back(wallet, entry, gone, reference=reference)
    if gone and not left:
        _recount(desk, wallet, file, reference)


# Reviews ----------------------------------------------------------------------------------------------------------


def prepare_photos(desk: Desk, events: Sequence[Event]) -> None:
    """Lock the tallies of products with new photo reviews, in order of their names: a popular one is a hot row."""
    if desk.growth.policy(desk.at) is None:
        return
    named = {(event.data.order, event.data.line) for event in events if event.data.photos}
    lines = [(file.line(number) if (file := desk.orders.get(order)) else None) for order, number in named]
    skus = sorted({line.sku for line in lines if line is not None and line.sku} - desk.shelf.get("tallies", {}).keys())
    if skus:
        ProductTally.objects.bulk_create([ProductTally(sku=sku) for sku in skus], ignore_conflicts=True)
        tallies = ProductTally.objects.select_for_update().filter(sku__in=skus).order_by("sku")
        desk.shelf.setdefault("tallies", {}).update({tally.sku: tally for tally in tallies})


def review(desk: Desk, wallet: Wallet, done: Review) -> None:
    """A rewarded review gives growth, the first photo reviews of a product give more."""
    policy, reference = desk.growth.policy(done.approved_at), f"review:{done.code}"
    if policy is None:
        return
    entries = [
        desk.growth.give(wallet, Kind.REVIEW, policy.review, policy, done.approved_at, reference=reference, review=done)
    ]
    tally = desk.shelf.get("tallies", {}).get(done.sku)
    if done.photos and tally is not None and tally.photo_reviews < policy.photo_first:
        desk.change(tally, photo_reviews=tally.photo_reviews + 1)
        entries.append(
            desk.growth.give(
                wallet, Kind.PHOTO, policy.photo_review, policy, done.approved_at, reference=reference, review=done
            )
        )
    desk.shelf.setdefault("review_growth", {})[done.code] = [entry for entry in entries if entry is not None]


def prepare_reviews(desk: Desk) -> None:
    """Read what the known reviews gave."""
    known: dict[str, list[GrowthEntry]] = desk.shelf.setdefault("review_growth", {})
    asked = {found.pk: code for code, found in desk.shelf.get("reviews", {}).items() if found.pk and code not in known}
    known |= {code: [] for code in asked.values()}
    for entry in GrowthEntry.objects.filter(review__in=asked, kind__in=(Kind.REVIEW, Kind.PHOTO)) if asked else ():
        code = asked[entry.review_id or 0]
        entry.review = desk.shelf["reviews"][code]
        known[code].append(entry)


def withdraw(desk: Desk, wallet: Wallet, done: Review, reference: str) -> None:
    """What a review gave goes with it (C11)."""
    desk.mark(wallet, clock.local_date(done.approved_at))
    for entry in desk.shelf.get("review_growth", {}).get(done.code, ()):
        desk.growth.take_back(wallet, entry, entry.base, reference=reference)


# Shopping days ------------------------------------------------------------------------------------------------------


def _prepare_bonuses(desk: Desk, files: Sequence[OrderFile]) -> None:
    """The bonuses paid for the months of some orders, and how many orders still make each day of those months."""
    if not files:
        return
    members = {file.order.member_id for file in files} | {wallet.member_id for wallet in desk.wallets.values()}
    months = {clock.month_start(clock.local_date(file.earned_at)) for file in files}
    bonuses: dict = desk.shelf.setdefault("bonuses", {})
    days: dict = desk.shelf.setdefault("shopping_days", defaultdict(dict))
    booked = GrowthEntry.objects.filter(
        member__in=members, criterion=GrowthEntry.Criterion.FREQUENCY, occurred_on__gt=min(months)
    )
    paid = {(entry.member_id, entry.occurred_on): entry for entry in booked if entry.kind == Kind.DAYS}
    gone = {(entry.member_id, entry.occurred_on) for entry in booked if entry.kind == Kind.REVERSAL}
    bonuses.update({(key[0], entry.reference): entry for key, entry in paid.items() if key not in gone})
    if not bonuses:
        return
    first, last = min(months), clock.months_after(max(months), 1)
    rows = (
        Order.objects.filter(member__in=members, completed_on__gte=first, completed_on__lt=last, growth_due__gt=0)
        .values_list("member_id", "completed_on")
        .annotate(orders=Count("pk"))
    )
    for member_id, day, orders in rows:
        days[member_id, clock.month_start(day)][day] = orders


def _recount(desk: Desk, wallet: Wallet, file: OrderFile, reference: str) -> None:
    """An order that gives nothing any more makes no shopping day; below the days needed the bonus goes back (E18).

    Days are those of the member who ordered; what was paid before a merge stays paid.
    """
    month = clock.month_start(clock.local_date(file.earned_at))
    days = _count_day(desk, file, -1)
    bonus = desk.shelf.get("bonuses", {}).get((file.order.member_id, bonus_reference(month)))
    if bonus is None or bonus.member_id != wallet.member_id:
        return
    policy = desk.growth.policy_by_id.get(bonus.policy_id or 0)
    if policy is not None and sum(1 for orders in days.values() if orders > 0) < policy.days_needed:
        desk.growth.take_back(wallet, bonus, bonus.base, reference=reference)
        del desk.shelf["bonuses"][file.order.member_id, bonus.reference]


def _count_day(desk: Desk, file: OrderFile, orders: int) -> dict[dt.date, int]:
    """One order more or less makes its day a shopping day; the days of that month, as far as they were read."""
    day = clock.local_date(file.earned_at)
    days = desk.shelf.get("shopping_days", {}).get((file.order.member_id, clock.month_start(day)), {})
    days[day] = days.get(day, 0) + orders
    return days


def bonus_reference(month: dt.date) -> str:
    """What the bonus for the shopping days of a month, named by its first day, is booked under."""
    return f"days:{month:%Y-%m}"
