"""Celery doors of this floor: they read the clock and make one call."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from common import clock
from merchants.services import (
    campaign_sends,
    campaigns,
    clubs,
    levels,
    messages,
    prospects,
    purses,
    rebates,
    settlements,
)


@shared_task
def give_campaigns() -> None:
    """Every minute or so: campaigns that give once and whose start has come. Killed half-way, the next one goes on."""
    campaign_sends.send_due(timezone.now())


@shared_task
def give_birthdays() -> None:
    """Nightly: campaigns for birthdays."""
    now = timezone.now()
    campaign_sends.birthdays(clock.day_start(clock.local_date(now)), now)


@shared_task
def end_campaigns() -> None:
    """Nightly: campaigns whose time is over give the rest back."""
    campaigns.end_due(timezone.now())


@shared_task
def deliver_messages() -> None:
    """Every minute or so: hand over merchants' messages to the shop."""
    messages.deliver_due(timezone.now())


@shared_task
def close_clubs() -> None:
    """Nightly: memberships whose notice is over exchange what their cards hold, and close."""
    now = timezone.now()
    tonight = clock.day_start(clock.local_date(now))
    if clubs.due(tonight).exists():
        clubs.close(tonight, now)


@shared_task
def relevel_cards() -> None:
    """Nightly: cards come to the levels that the day's rules give them."""
    now = timezone.now()
    levels.relevel(clock.day_start(clock.local_date(now)), now)


@shared_task
def settle_rebates() -> None:
    """Nightly: rebates of the periods that are over; then what is open is paid."""
    now = timezone.now()
    rebates.settle(clock.day_start(clock.local_date(now)), now)
    rebates.pay(now)


@shared_task
def count_category_buyers() -> None:
    """Nightly: in the first night of a month (or the next one, if that was missed) prospects are counted anew."""
    now = timezone.now()
    prospects.count_buyers(now, now)


@shared_task
def watch_purses() -> None:
    """Every few minutes: purses that have come below their mark; earning rules draw on them without knowing of marks."""
    purses.watch(timezone.now())


@shared_task
def settle_month() -> None:
    """Nightly: compute last month once it is over, so that finance can look and close."""
    settlements.compute_due(timezone.now())
