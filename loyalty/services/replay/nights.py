"""The nights between two events: what the schedule would have done on each of them (config/celery.py).

A job for which nothing is due that night is not run, so a year of quiet nights leaves no thousand empty job runs. What
looks at everybody every night, only to show it in the morning, is done once a month here, and once more at the end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

from common import clock
from common.models import JobRun
from loyalty.models import Hold, Lot, Review
from loyalty.selectors import conduct as conducts
from loyalty.selectors import gift_campaigns, score_policies
from loyalty.services import (
    conduct,
    downgrades,
    expiring,
    gift_sends,
    lapsing,
    likes,
    maturing,
    medals,
    member_stats,
    pyramid,
    ranking,
    reminders,
    score_settlements,
    scores,
    segments,
    shoppingdays,
    tiers,
)

Due = Callable[[dt.datetime], bool]
Job = Callable[[dt.datetime, dt.datetime], JobRun | None]


def _holds(as_of: dt.datetime) -> bool:
    return Hold.objects.filter(status=Hold.Status.OPEN, expires_at__lte=as_of).exists()


def _pending(as_of: dt.datetime) -> bool:
    return Lot.objects.filter(is_open=True, is_pending=True, available_at__lte=as_of).exists()


def _reviews(as_of: dt.datetime) -> bool:
    return Review.objects.filter(next_like_check_at__lte=as_of).exists()


def _a_month_begins(as_of: dt.datetime) -> bool:
    return clock.local_date(as_of).day == 1


def _scores_settle(as_of: dt.datetime) -> bool:
    rules = score_policies.in_force(as_of)
    return rules is not None and clock.local_date(as_of).day == rules.policy.settled_on


def _gifts(as_of: dt.datetime, at: dt.datetime) -> None:
    gift_sends.give_once(at)
    gift_sends.give_tonight(as_of, at)


# Nightly work that shows what is, and changes nothing by being late.
_LOOKS: tuple[Job, ...] = (member_stats.measure, pyramid.count, segments.refresh_all)

# In the order of the schedule.
_JOBS: tuple[tuple[Due, Job], ...] = (
    (_holds, lapsing.lapse),
    (_pending, maturing.mature),
    (lambda as_of: expiring.due(as_of).exists(), expiring.expire),
    (lambda as_of: conduct.due(conducts.rated_at(as_of)), lambda as_of, at: conduct.rate(conducts.rated_at(as_of), at)),
    (tiers.is_due, tiers.review),
    (_a_month_begins, ranking.rank),
    (shoppingdays.is_due, shoppingdays.pay),
    (_reviews, likes.count),
    (lambda as_of: reminders.near(as_of).exists(), reminders.remind),
    (downgrades.is_due, downgrades.warn),
    (_scores_settle, scores.count),
    (_scores_settle, score_settlements.settle),
    (_a_month_begins, medals.award),
    *((_a_month_begins, job) for job in _LOOKS),
    (gift_campaigns.anybody_due, _gifts),
)


def pass_until(night: dt.date, day: dt.date) -> Iterator[dt.date]:
    """Live through the nights after `night` up to the one in which `day` begins; yields each as it is done."""
    while night < day:
        night += dt.timedelta(days=1)
        midnight = clock.day_start(night)
        for due, job in _JOBS:
            if due(midnight):
                job(midnight, midnight)
        yield night


def look(night: dt.date) -> None:
    """Bring up to date what is shown: when the last night has passed."""
    midnight = clock.day_start(night)
    for job in (scores.count, *_LOOKS):
        job(midnight, midnight)
