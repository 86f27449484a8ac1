"""Celery doors of this floor: they read the clock and make one call."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from common import clock
from merchants.services import campaign_sends, campaigns, messages


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
