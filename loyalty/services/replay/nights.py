"""The nights between two events: what the schedule would have done on each of them (config/celery.py).

A job for which nothing is due that night is not run, so a year of quiet nights leaves no thousand empty job runs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

from django.db.models import QuerySet

from common import clock
from common.models import JobRun
from loyalty.models import Hold, Lot, Review
from loyalty.services import expiring, lapsing, likes, maturing, reminders

Due = Callable[[dt.datetime], QuerySet]
Job = Callable[[dt.datetime, dt.datetime], JobRun]


def _holds(as_of: dt.datetime) -> QuerySet[Hold]:
    return Hold.objects.filter(status=Hold.Status.OPEN, expires_at__lte=as_of)


def _pending(as_of: dt.datetime) -> QuerySet[Lot]:
    return Lot.objects.filter(is_open=True, is_pending=True, available_at__lte=as_of)


def _reviews(as_of: dt.datetime) -> QuerySet[Review]:
    return Review.objects.filter(next_like_check_at__lte=as_of)


# In the order of the schedule.
_JOBS: tuple[tuple[Due, Job], ...] = (
    (_holds, lapsing.lapse),
    (_pending, maturing.mature),
    (expiring.due, expiring.expire),
    (_reviews, likes.count),
    (reminders.near, reminders.remind),
)


def pass_until(night: dt.date, day: dt.date) -> Iterator[dt.date]:
    """Live through the nights after `night` up to the one in which `day` begins; yields each as it is done."""
    while night < day:
        night += dt.timedelta(days=1)
        midnight = clock.day_start(night)
        for due, job in _JOBS:
            if due(midnight).exists():
                job(midnight, midnight)
        yield night
