"""Members are told that points are about to expire: facts, from which webhooks make messages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db.models import Q, QuerySet, Sum

from common import clock
from common.models import JobRun, Staff
from common.services import jobs, outbox
from loyalty import facts
from loyalty.models.lots import Lot
from loyalty.selectors import programme as programmes
from loyalty.selectors import spans
from loyalty.services.sliding import last_day

JOB = "remind-of-expiry"


def remind(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Publish points.expiring for lots that come within one of the programme's `reminder_days` of their last day.

    One fact per member and day of expiry. A run looks at what came near since the run before it, so a missed night is
    made good and nothing is announced twice for the same number of days.
    """
    lots = near(as_of)
    return jobs.run(
        JOB,
        as_of,
        spans=lambda: spans.of(lots),
        work=lambda first, last: _remind_span(lots.filter(account_id__gte=first, account_id__lte=last), as_of, at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def near(as_of: dt.datetime) -> QuerySet[Lot]:
    """Open lots that came within a reminder's distance between the run before `as_of` and `as_of`."""
    today = clock.local_date(as_of)
    before = JobRun.objects.filter(job=JOB, as_of__lt=as_of).order_by("-as_of").first()
    since = clock.local_date(before.as_of) if before else today - dt.timedelta(days=1)
    within = Q(pk__in=[])
    for days in programmes.current().reminder_days:
        distance = dt.timedelta(days=days)
        within |= Q(expires_at__gt=clock.day_end(since + distance), expires_at__lte=clock.day_end(today + distance))
    return Lot.objects.filter(within, is_open=True, expires_at__gt=as_of)


def _remind_span(lots: QuerySet[Lot], as_of: dt.datetime, at: dt.datetime) -> dict[str, int]:
    today = clock.local_date(as_of)
    rows = (
        lots.filter(account__wallet__isnull=False)
        .values("account__wallet__member__external_id", "expires_at")
        .annotate(points=Sum("remaining"))
        .order_by("account__wallet__member__external_id", "expires_at")
        .values_list("account__wallet__member__external_id", "expires_at", "points")
    )
    reminders = [
        facts.PointsExpiring(name, points, last_day(expires_at).isoformat(), (last_day(expires_at) - today).days)
        for name, expires_at, points in rows
    ]
    outbox.publish(reminders, at)
    return {"reminders": len(reminders)}
