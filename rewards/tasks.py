"""Celery doors of this floor: they read the clock and make one call."""

from __future__ import annotations

import datetime as dt

from celery import shared_task
from django.utils import timezone

from common import clock
from rewards.services import birthdays, draws, instant_refunds, lotteries, packs, prize_claims, redemption_expiry, seeds


def _tonight(now: dt.datetime) -> dt.datetime:
    return clock.day_start(clock.local_date(now))


def _this_minute(now: dt.datetime) -> dt.datetime:
    return now.replace(second=0, microsecond=0)


@shared_task
def change_seeds() -> None:
    """Nightly: reveal yesterday's seeds of games and commit to new ones."""
    now = timezone.now()
    seeds.rotate(_tonight(now), now, draws.fresh_seed)


@shared_task
def draw_lotteries() -> None:
    """Every minute or so: draw the lotteries whose time has come and move the points. Without any there is no run."""
    now = timezone.now()
    for version in lotteries.due(now):
        lotteries.draw(version, now)
    if lotteries.unsettled().exists():
        lotteries.settle(_this_minute(now), now)


@shared_task
def issue_birthday_packs() -> None:
    """Nightly: give the birthday packs whose window is open."""
    now = timezone.now()
    birthdays.issue(_tonight(now), now)


@shared_task
def hand_out_packs() -> None:
    """Nightly: hand out the packs that are due, and what is owed of earlier ones."""
    now = timezone.now()
    packs.hand_out(_tonight(now), now)


@shared_task
def hand_out_prizes() -> None:
    """Nightly: hand out prizes of the catalogue that were not there when they were won. Without any there is no run."""
    now = timezone.now()
    if prize_claims.waiting().exists():
        prize_claims.hand_out(_tonight(now), now)


@shared_task
def recover_instant_refunds() -> None:
    """Nightly: recover the money of goods that did not come back. Without any there is no run to look at."""
    now = timezone.now()
    if instant_refunds.due(_tonight(now)).exists():
        instant_refunds.recover(_tonight(now), now)


@shared_task
def expire_redemptions() -> None:
    """Nightly: what was handed out and not used in time expires."""
    now = timezone.now()
    redemption_expiry.expire(_tonight(now), now)
