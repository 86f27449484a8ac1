"""Days that come round every year: whose birthday, or day of joining, has its window open (domain.md F19).

The window begins 7 days before the day and has 15 days, so that a night that was missed is caught up. It may cross New
Year: the year of the day itself counts.
"""

from __future__ import annotations

import datetime as dt

from django.db.models import Q

BEFORE, AFTER = dt.timedelta(days=7), dt.timedelta(days=7)


def windows(path: str, today: dt.date) -> list[tuple[int, Q]]:
    """Whose day has its window open today, as (year of the day, condition on the date at `path`)."""
    first, last = today - AFTER, today + BEFORE
    if first.year == last.year:
        return [(first.year, within(path, first, last))]
    new_year = dt.date(last.year, 1, 1)
    return [
        (first.year, within(path, first, new_year - dt.timedelta(days=1))),
        (last.year, within(path, new_year, last)),
    ]


def within(path: str, first: dt.date, last: dt.date) -> Q:
    """The condition that the day comes round between two days, both included; 29 February on the 28th in common years."""
    days: dict[int, list[int]] = {}
    for away in range((last - first).days + 1):
        day = first + dt.timedelta(days=away)
        days.setdefault(day.month, []).append(day.day)
        if (day.month, day.day) == (2, 28) and (day + dt.timedelta(days=1)).month == 3:
            days[2].append(29)
    found = Q()
    for month, dates in days.items():
        found |= Q(**{f"{path}__month": month, f"{path}__day__in": dates})
    return found
