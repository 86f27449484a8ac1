"""Which days a score counts: half-open windows of local days (domain.md F6, E27, E28)."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from common import clock

MONTHS = 12

# A score that was settled last month can still be restated, so its days are kept besides.
_KEPT_MONTHS = MONTHS + 2


class Window(NamedTuple):
    """The days from `first` up to, and without, `end`."""

    first: dt.date
    end: dt.date


def provisional(day: dt.date) -> Window:
    """The twelve months before a day: [D − 12 months, D), clamped at the end of short months."""
    return Window(clock.months_after(day, -MONTHS), day)


def settled(month: dt.date) -> Window:
    """The twelve whole calendar months before a month, given by its first day."""
    return Window(clock.months_after(month, -MONTHS), month)


def month_to_settle(day: dt.date, settled_on: int) -> dt.date:
    """The newest month whose settlement day has come by `day`, by its first day."""
    month = clock.month_start(day)
    return month if day.day >= settled_on else clock.months_after(month, -1)


def horizon(day: dt.date) -> dt.date:
    """Nothing before this day is asked for any more."""
    return clock.months_after(clock.month_start(day), -_KEPT_MONTHS)


def month_after(month: dt.date) -> dt.date:
    """The first day of the next month."""
    return clock.months_after(clock.month_start(month), 1)
