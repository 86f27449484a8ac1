"""Celery doors: the clock and one call each."""

from celery import shared_task
from django.utils import timezone

from common.services import outbox, retention


@shared_task
def drain_outbox() -> int:
    return outbox.drain(timezone.now)


@shared_task
def purge_old_records() -> dict[str, int]:
    return retention.purge(timezone.now())
