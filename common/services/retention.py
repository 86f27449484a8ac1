"""What need not be kept for ever. Events, facts, entries and the audit log stay: they are the journal."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from common.models import Delivery, IdempotencyRecord, Look


def purge(at: datetime) -> dict[str, int]:
    """Delete answers to idempotency keys, finished deliveries to our own handlers, and looks at people after their days.

    Days are settings.KEEP_IDEMPOTENCY_DAYS, KEEP_DELIVERIES_DAYS and KEEP_LOOKS_DAYS. A fact keeps `dispatched_at`, so it is
    never dispatched again; deliveries to webhooks stay with their attempts.
    """
    answers = IdempotencyRecord.objects.filter(at__lt=at - timedelta(days=settings.KEEP_IDEMPOTENCY_DAYS))
    handed_over = Delivery.objects.filter(
        status=Delivery.Status.DONE,
        endpoint=None,
        tries=None,
        done_at__lt=at - timedelta(days=settings.KEEP_DELIVERIES_DAYS),
    )
    # A plain queryset: rows of a journal go by this door alone.
    looks = QuerySet(Look).filter(at__lt=at - timedelta(days=settings.KEEP_LOOKS_DAYS))
    return {
        "idempotency_records": answers.delete()[0],
        "deliveries": handed_over.delete()[0],
        "looks": looks.delete()[0],
    }
