"""Celery doors of this floor: they read the clock and make one call."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from common import clock
from members.services import erasure, plan_purchases, plan_renewals, risk_tallies


@shared_task
def tell_of_renewals() -> None:
    """Nightly: give notice to who agreed that a plan renews by itself."""
    now = timezone.now()
    plan_renewals.give_notice(clock.day_start(clock.local_date(now)), now)


@shared_task
def trim_risk() -> None:
    """Nightly: counters of risk rules that have rested longer than any window are forgotten."""
    risk_tallies.trim(timezone.now() - risk_tallies.LONGEST)


@shared_task
def erase_members() -> None:
    """Nightly: who has left is forgotten, also what came in about her afterwards."""
    now = timezone.now()
    erasure.sweep(clock.day_start(clock.local_date(now)), now)


@shared_task
def lapse_purchases() -> None:
    """Every ten minutes: purchases of plans that nobody paid wait no longer."""
    plan_purchases.lapse(timezone.now())
