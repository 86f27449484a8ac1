"""Pending points become available when their time has come (the return window has closed, for example)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db.models import QuerySet

from common.models import JobRun, Staff
from common.services import jobs
from loyalty.models.lots import Lot
from loyalty.selectors import spans
from loyalty.services import settling

JOB = "mature-lots"


def mature(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Make the pending lots with available_at <= `as_of` available; a debt is repaid from them at once.

    Settles the whole account at `at`, so what is due on it lapses and expires too. Safe to stop, repeat and run twice.
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


def due(as_of: dt.datetime) -> QuerySet[Lot]:
    """The open lots that are still pending although their time has come by `as_of`."""
    return Lot.objects.filter(is_open=True, is_pending=True, available_at__lte=as_of)
