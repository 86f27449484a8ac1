"""What a merchant owes for the rewards that it sponsors and the benefits that it issues, month by month (S1-04, S2-58c).

What was taken or used counts in the month of that, what was given back in the month of that, both at the price of the
taking: so a month that is over stays as it was. Money in minor units.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, DateField, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from common import clock
from merchants.models import Merchant
from rewards.models import Benefit, BenefitUse, Redemption, RedemptionEvent, Reward
from rewards.selectors import catalogue


@dataclass(frozen=True, slots=True)
class Line:
    """A reward or benefit in a month: how often it was taken or used, how often given back, and what the merchant owes.

    `subject` is None for the benefits of all others together that were used at the merchant's stores: what it gets for
    them stands there as owed less than nothing, as does what more was given back than taken.
    """

    month: dt.date
    subject: Reward | Benefit | None
    taken: int
    back: int
    owed: int


def of(merchant: Merchant, first: dt.date, end: dt.date) -> list[Line]:
    """The lines of the months from `first` to before `end` (each the first day of one). Eight queries."""
    issued = BenefitUse.objects.filter(issuer=merchant)
    honoured = BenefitUse.objects.filter(user=merchant, price__gt=0).exclude(issuer=merchant)
    return [
        *_lines(
            Reward.objects.in_bulk,
            _grouped(_taken(first, end).filter(merchant=merchant), "taken_on", "reward", "merchant_cost"),
            _grouped(
                _back(first, end).filter(redemption__merchant=merchant),
                "at",
                "redemption__reward",
                "redemption__merchant_cost",
            ),
        ),
        *_lines(
            Benefit.objects.in_bulk,
            *(_grouped(_in(day, issued, first, end), day, "benefit", "price", ~Q(user=merchant)) for day in _DAYS),
        ),
        *_lines(
            dict.fromkeys,
            *(_grouped(_in(day, honoured, first, end), day, "user", "price") for day in _DAYS),
            sign=-1,
        ),
    ]


def owed(first: dt.date, end: dt.date, merchants: Collection[int] | None = None) -> Counter[int]:
    """By sponsor (id) what it owes for rewards, if anything, as in its statement; `merchants` narrows it. Two queries."""
    found: Counter[int] = Counter()
    for rows, path, sign in ((_taken(first, end), "", 1), (_back(first, end), "redemption__", -1)):
        if merchants is not None:
            rows = rows.filter(**{f"{path}merchant__in": merchants})
        sums = rows.order_by().values_list(f"{path}merchant").annotate(money=Sum(f"{path}merchant_cost"))
        for merchant, money in sums:
            found[merchant] += sign * money
    return Counter({merchant: money for merchant, money in found.items() if money})


_DAYS = ("used_on", "given_back_on")


def _taken(first: dt.date, end: dt.date) -> QuerySet[Redemption]:
    return _in("taken_on", Redemption.objects.filter(merchant__isnull=False), first, end)


def _back(first: dt.date, end: dt.date) -> QuerySet[RedemptionEvent]:
    """The last steps of what was cancelled or returned meanwhile."""
    gone = {"redemption__merchant__isnull": False, "redemption__status__in": catalogue.GONE}
    between = {"at__gte": clock.day_start(first), "at__lt": clock.day_start(end)}
    return RedemptionEvent.objects.filter(after__in=catalogue.GONE, **gone, **between)


def _in(day: str, rows: QuerySet, first: dt.date, end: dt.date) -> QuerySet:
    return rows.filter(**{f"{day}__gte": first, f"{day}__lt": end})


def _grouped(rows: QuerySet, day: str, key: str, money: str, owing: Q | None = None) -> QuerySet:
    """(key, month, how many, money of those that are `owing`)."""
    zone = {"tzinfo": clock.zone()} if day == "at" else {}
    month = TruncMonth(day, output_field=DateField(), **zone)
    rows = rows.order_by().annotate(month=month).values_list(key, "month")
    return rows.annotate(count=Count("pk"), money=Sum(money, filter=owing, default=0))


def _lines(
    named: Callable[[Iterable[int]], Mapping[int, Any]], taken: QuerySet, back: QuerySet, *, sign: int = 1
) -> list[Line]:
    sums: dict[tuple[int, dt.date], list[int]] = defaultdict(lambda: [0, 0, 0])
    for place, rows, way in ((0, taken, sign), (1, back, -sign)):
        for key, month, count, money in rows:
            sums[key, month][place] += count
            sums[key, month][2] += way * money
    subjects = named({key for key, _month in sums})
    return [Line(month, subjects[key], *numbers) for (key, month), numbers in sums.items()]
