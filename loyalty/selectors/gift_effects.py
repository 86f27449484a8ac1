"""What a gift campaign has brought: the treated against the held-out (domain.md F15, S2-43).

Everybody counts as what chance made of them, whether or not they used the gift, so the two groups differ by the campaign
alone. Means and variances are exact fractions; the interval is Welch's for 95 %: difference ± t · √(s₁²/n₁ + s₂²/n₂). Its
t is the 97.5 % point of Student's distribution by the Cornish–Fisher series to 1/ν⁴, right to four places from ten degrees
of freedom on. Only members whose window is over are compared; a member who was merged meanwhile is followed by the old name.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import StrEnum
from fractions import Fraction

from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from loyalty.models import Entry, GiftAssignment, GiftCampaign, Order, OrderLine

Arm = GiftAssignment.Arm

SMALLEST = 30
"""A group that has fewer members tells nothing."""

_Z = Decimal("1.959963984540054")


class Metric(StrEnum):
    """What is compared, per member: completed orders, cash kept in minor units, points spent."""

    ORDERS = "orders"
    CASH = "cash"
    POINTS = "points"


class Verdict(StrEnum):
    TOO_FEW = "too_few"
    CHANCE = "chance"
    MORE = "more"
    LESS = "less"


@dataclass(frozen=True, slots=True)
class Group:
    """A group of values: how many, their mean and their variance (over n − 1), exact."""

    size: int
    mean: Fraction
    variance: Fraction


@dataclass(frozen=True, slots=True)
class Effect:
    """One metric of the two groups; without an interval there are too few members."""

    metric: Metric
    treated: Group
    held_out: Group
    interval: tuple[Decimal, Decimal] | None

    @property
    def difference(self) -> Fraction:
        """F15: mean(treated) − mean(hold-out)."""
        return self.treated.mean - self.held_out.mean

    @property
    def verdict(self) -> Verdict:
        """An interval that touches nought cannot be told from chance."""
        if self.interval is None:
            return Verdict.TOO_FEW
        low, high = self.interval
        return Verdict.MORE if low > 0 else Verdict.LESS if high < 0 else Verdict.CHANCE


def measure(campaign: GiftCampaign, as_of: dt.datetime) -> list[Effect]:
    """The effects of a campaign on every metric, over the members whose window is over. A query for each."""
    over = GiftAssignment.objects.filter(campaign=campaign, measured_until__lte=as_of)
    return [_compare(metric, over.annotate(value=Coalesce(value, 0))) for metric, value in _VALUES.items()]


def waiting(campaign: GiftCampaign, as_of: dt.datetime) -> int:
    """How many members were reached whose window is not over yet."""
    return GiftAssignment.objects.filter(campaign=campaign, measured_until__gt=as_of).count()


def group(values: Iterable[tuple[int, int]]) -> Group:
    """The group of some (value, how many have it)."""
    size = total = squares = 0
    for value, times in values:
        size, total, squares = size + times, total + value * times, squares + value * value * times
    mean = Fraction(total, size) if size else Fraction(0)
    variance = (squares - mean * total) / (size - 1) if size > 1 else Fraction(0)
    return Group(size, mean, variance)


def interval(treated: Group, held_out: Group) -> tuple[Decimal, Decimal] | None:
    """The 95 % interval of the difference by Welch; None if a group is too small."""
    if min(treated.size, held_out.size) < SMALLEST:
        return None
    parts = [treated.variance / treated.size, held_out.variance / held_out.size]
    difference, error = _decimal(treated.mean - held_out.mean), sum(parts)
    if not error:
        return difference, difference
    freedom = error**2 / sum(part**2 / (one.size - 1) for part, one in zip(parts, (treated, held_out), strict=True))
    reach = student(freedom) * _decimal(error).sqrt()
    return difference - reach, difference + reach


def student(freedom: Fraction) -> Decimal:
    """The 97.5 % point of Student's t for at least ten degrees of freedom (Cornish–Fisher)."""
    z, n = _Z, _decimal(freedom)
    series = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum((term / n**power for power, term in enumerate(series, 1)), Decimal(0))


def _decimal(fraction: Fraction) -> Decimal:
    with localcontext(prec=28):
        return Decimal(fraction.numerator) / Decimal(fraction.denominator)


def _compare(metric: Metric, assigned: QuerySet[GiftAssignment]) -> Effect:
    """Equal values travel as one row, so nearly everybody who did nothing is one row."""
    rows = assigned.order_by().values("arm", "value").annotate(times=Count("pk")).values_list("arm", "value", "times")
    values: dict[str, list[tuple[int, int]]] = {Arm.TREATED: [], Arm.HELD_OUT: []}
    for arm, value, times in rows:
        values[arm].append((value, times))
    treated, held_out = group(values[Arm.TREATED]), group(values[Arm.HELD_OUT])
    return Effect(metric, treated, held_out, interval(treated, held_out))


_ORDERS = Order.objects.filter(
    member=OuterRef("member"),
    status=Order.Status.COMPLETED,
    completed_at__gt=OuterRef("at"),
    completed_at__lte=OuterRef("measured_until"),
)
_LINES = OrderLine.objects.filter(
    order__member=OuterRef("member"),
    order__status=Order.Status.COMPLETED,
    order__completed_at__gt=OuterRef("at"),
    order__completed_at__lte=OuterRef("measured_until"),
)
_SPENT = Entry.objects.filter(
    account__wallet__member=OuterRef("member"),
    contra=Entry.Contra.REDEEMED,
    at__gt=OuterRef("at"),
    at__lte=OuterRef("measured_until"),
)
_VALUES = {
    Metric.ORDERS: Subquery(_ORDERS.order_by().values("member").annotate(n=Count("pk")).values("n")),
    Metric.CASH: Subquery(
        _LINES.order_by().values("order__member").annotate(n=Sum(F("cash") - F("refunded_cash"))).values("n")
    ),
    Metric.POINTS: Subquery(_SPENT.order_by().values("account").annotate(n=-Sum("delta")).values("n")),
}
