"""When the demo's members shop: weekends, evenings, 618, 11.11, and a quiet Spring Festival."""

from __future__ import annotations

import datetime as dt
from itertools import accumulate
from random import Random

from common import clock

EVENING = (1, 1, 1, 1, 1, 1, 2, 3, 4, 6, 8, 7, 6, 5, 5, 5, 5, 5, 6, 8, 12, 13, 9, 4)


class Calendar:
    """The days from `start` to `end` with their weights."""

    def __init__(self, start: dt.datetime, end: dt.datetime):
        self._start, self._end = start, end
        first, last = clock.local_date(start), clock.local_date(end)
        self.days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
        self._weights = list(accumulate(weight(day) for day in self.days))

    def pick(self, random: Random, earliest: dt.datetime) -> dt.datetime | None:
        """An instant in the time that is told, not before `earliest`; None if it falls outside."""
        day = random.choices(self.days, cum_weights=self._weights)[0]
        at = at_hour(random, day, random.choices(range(24), weights=EVENING)[0])
        return at if max(earliest, self._start) <= at < self._end else None


def weight(day: dt.date) -> int:
    """How busy a day is; an ordinary Tuesday is 10."""
    if (day.month, day.day) in ((6, 18), (11, 11)):
        return 120
    if (day.month == 6 and 14 <= day.day <= 20) or (day.month == 11 and day.day <= 12):
        return 30
    if day.month == 2 and day.day <= 14:
        return 4
    return 14 if day.isoweekday() >= 6 else 10


def at_hour(random: Random, day: dt.date, hour: int) -> dt.datetime:
    """An instant in that hour of the local day."""
    return clock.day_start(day) + dt.timedelta(hours=hour, seconds=random.randrange(3600))
