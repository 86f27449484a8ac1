"""Celery doors of this floor: they read the clock and make one call.

A nightly job works for the start of the local day, so a task that is delivered twice goes on with the same run.
"""

from __future__ import annotations

import datetime as dt

from celery import shared_task
from django.utils import timezone

from common import clock
from loyalty.selectors import conduct as conduct_selector
from loyalty.services import (
    campaign_undos,
    conduct,
    conduct_ratings,
    downgrades,
    expiring,
    gift_campaigns,
    gift_sends,
    lapsing,
    likes,
    maturing,
    medals,
    member_stats,
    proof,
    pyramid,
    ranking,
    reminders,
    score_settlements,
    scores,
    segments,
    shoppingdays,
    tiers,
)


def _tonight(now: dt.datetime) -> dt.datetime:
    return clock.day_start(clock.local_date(now))


def _this_minute(now: dt.datetime) -> dt.datetime:
    return now.replace(second=0, microsecond=0)


@shared_task
def expire_points() -> None:
    """Nightly: book what has expired."""
    now = timezone.now()
    expiring.expire(_tonight(now), now)


@shared_task
def review_tiers() -> None:
    """Nightly: do what time does to growth and tiers; on a ladder by rank draw the month's lines."""
    now = timezone.now()
    tiers.review(_tonight(now), now)
    ranking.rank(_tonight(now), now)


@shared_task
def pay_shopping_days() -> None:
    """Nightly: pay the bonus of the month whose pay day has come, once."""
    now = timezone.now()
    shoppingdays.pay(_tonight(now), now)


@shared_task
def warn_of_downgrades() -> None:
    """Nightly: warn members of a tier they are about to lose."""
    now = timezone.now()
    downgrades.warn(_tonight(now), now)


@shared_task
def mature_lots() -> None:
    """Every hour or so: pending points become available. Without any there is no run to look at."""
    now = timezone.now()
    if maturing.due(_this_minute(now)).exists():
        maturing.mature(_this_minute(now), now)


@shared_task
def lapse_holds() -> None:
    """Every minute or so: open holds past their time let go. Without any there is no run to look at."""
    now = timezone.now()
    if lapsing.due(_this_minute(now)).exists():
        lapsing.lapse(_this_minute(now), now)


@shared_task
def remind_of_expiry() -> None:
    """Nightly: tell members what is about to expire."""
    now = timezone.now()
    reminders.remind(_tonight(now), now)


@shared_task
def rate_conduct() -> None:
    """Nightly: growth coefficients for the month that has begun, if they are not rated yet."""
    now = timezone.now()
    if conduct.due(conduct_selector.rated_at(now)):
        conduct.rate(conduct_selector.rated_at(now), now)


@shared_task
def rate_members() -> None:
    """Nightly: how members behaved, after their coefficients."""
    now = timezone.now()
    conduct_ratings.rate(_tonight(now), now)


@shared_task
def count_likes() -> None:
    """Nightly: pay reviews for their likes."""
    now = timezone.now()
    likes.count(_tonight(now), now)


@shared_task
def award_medals() -> None:
    """Nightly: the medals of the month that has begun, if they were not awarded yet."""
    now = timezone.now()
    medals.award(_tonight(now), now)


@shared_task
def count_pyramid() -> None:
    """Nightly: count members, spend and points by tier."""
    now = timezone.now()
    pyramid.count(_tonight(now), now)


@shared_task
def measure_members() -> None:
    """Nightly: RFM, the five criteria and the life cycle of every member."""
    now = timezone.now()
    member_stats.measure(_tonight(now), now)


@shared_task
def refresh_segments() -> None:
    """Nightly: who meets the conditions of which segment."""
    now = timezone.now()
    segments.refresh_all(_tonight(now), now)


@shared_task
def give_gifts() -> None:
    """Every minute: gift campaigns that give once and whose start has come; those whose time is over end."""
    now = timezone.now()
    gift_sends.give_once(now)
    gift_campaigns.end_due(now)


@shared_task
def undo_campaigns() -> None:
    """Every minute: go on with undoings that were approved. Without any there is no run to look at."""
    campaign_undos.carry_out_due(timezone.now())


@shared_task
def give_gifts_tonight() -> None:
    """Nightly: gift campaigns that look for whom they mean, after the night's statistics and segments."""
    now = timezone.now()
    gift_sends.give_tonight(_tonight(now), now)


@shared_task
def score_members() -> None:
    """Nightly: bring the value scores up to date."""
    now = timezone.now()
    scores.count(_tonight(now), now)


@shared_task
def settle_scores() -> None:
    """Nightly: settle the month whose day has come, unless that is done."""
    now = timezone.now()
    score_settlements.settle(_tonight(now), now)


@shared_task
def prove() -> None:
    """Nightly: check every invariant of the ledger."""
    now = timezone.now()
    proof.prove(_tonight(now), now)
