"""What rebate schemes owe: periods on the calendar, and steps over the spend (domain.md S2-44)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from common import clock
from loyalty.models import Programme
from merchants.models import RebateScheme

MONTHS = {RebateScheme.Period.MONTH: 1, RebateScheme.Period.QUARTER: 3, RebateScheme.Period.YEAR: 12}


def period_of(period: str, day: dt.date) -> tuple[dt.date, dt.date]:
    """The calendar's month, quarter or year that holds the day: [first day, first day after it)."""
    months = MONTHS[RebateScheme.Period(period)]
    first = dt.date(day.year, (day.month - 1) // months * months + 1, 1)
    return first, clock.months_after(first, months)


def closed_periods(scheme: RebateScheme, today: dt.date) -> Iterator[tuple[dt.date, dt.date]]:
    """Every period of the scheme that is over, the oldest first."""
    assert scheme.starts_on is not None
    first, after = period_of(scheme.period, scheme.starts_on)
    while after <= today and (scheme.ends_on is None or after <= scheme.ends_on):
        yield first, after
        first, after = period_of(scheme.period, after)


def percent(steps: Sequence[tuple[int, int]], spend: int) -> int:
    """The percentage of the highest step (from spend, percent) that the spend reaches; it counts for the whole."""
    return max(((start, share) for start, share in steps if start <= spend), default=(0, 0))[1]


def points(programme: Programme, spend: int, share: int) -> int:
    """So many percent of a spend in points; rounded down once, at the end."""
    worth = spend * share * programme.point_value_points
    return max(worth, 0) // (100 * programme.point_value_money)
