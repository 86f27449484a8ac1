"""Rewards that were handed out and not used in time expire, night by night. Their points do not come back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from common.models import JobRun, Staff
from common.services import jobs, outbox
from common.services.audit import Actor
from loyalty.selectors import spans
from rewards import facts
from rewards.models import Code, Redemption
from rewards.services import redemption_states, redemptions
from rewards.services.redemption_states import Status

JOB = "expire-redemptions"
PER_CHUNK = 1000


def expire(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Expire what was handed out and is good until `as_of` or less. Safe to stop, repeat and run twice."""
    return jobs.run(
        JOB,
        as_of,
        spans=lambda: spans.of(due(as_of), PER_CHUNK, by="id"),
        work=lambda first, last: _expire_span(first, last, as_of, at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def due(as_of: dt.datetime) -> QuerySet[Redemption]:
    """What was handed out and is not used by its end."""
    return Redemption.objects.filter(status=Status.DELIVERED, expires_at__lte=as_of)


def _expire_span(first: int, last: int, as_of: dt.datetime, at: dt.datetime) -> dict[str, int]:
    """One range of redemptions, in a fixed number of statements."""
    rows = due(as_of).filter(pk__gte=first, pk__lte=last).order_by("pk")
    found = list(rows.select_for_update(of=("self",)).select_related("member", "reward"))
    if not found:
        return {"expired": 0}
    job = Actor(_("nightly job"))
    events = [redemption_states.move(redemption, "expire", at, actor=job) for redemption in found]
    ids = [redemption.pk for redemption in found]
    Redemption.objects.filter(pk__in=ids).update(status=Status.EXPIRED)
    Code.objects.filter(redemption__in=ids).update(status=Code.Status.EXPIRED)
    redemption_states.write(events)
    outbox.publish([redemptions.told(facts.RedemptionExpired, redemption) for redemption in found], at)
    return {"expired": len(found)}
