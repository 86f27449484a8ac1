"""Holds that nobody captured or released let go by themselves (domain.md E62)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db.models import QuerySet

from common.models import JobRun, Staff
from common.services import jobs
from loyalty.models.holds import Hold
from loyalty.selectors import spans
from loyalty.services import settling

JOB = "lapse-holds"


def lapse(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Let go the open holds with expires_at <= `as_of`: the points go back to their lots, each with its own expiry.

    Points whose lot expired while they were held expire then. Safe to stop, repeat and run twice.
    """
    return jobs.run(
        JOB,
        as_of,
        spans=lambda: spans.of(due(as_of)),
        work=lambda first, last: settling.settle(spans.accounts(due(as_of), first, last), at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def due(as_of: dt.datetime) -> QuerySet[Hold]:
    """The open holds whose time is over by `as_of`."""
    return Hold.objects.filter(status=Hold.Status.OPEN, expires_at__lte=as_of)
