"""The monthly bonus for shopping on several days (domain.md F1, S2-05; E18, E25, E26).

A shopping day is a local day on which an order completed that still gives growth. The bonus of a month is paid on a day
of the next month, once; a refund that takes too many days away takes it back (grown.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet

from common import clock
from common.models import JobRun, Staff
from common.services import jobs
from loyalty.models import GrowthEntry, GrowthPolicy, Order
from loyalty.selectors import programme as programmes
from loyalty.selectors import spans
from loyalty.services import grown, ladders
from loyalty.services.desk import Desk
from members.models import Member

JOB = "pay-shopping-days"
MEMBERS_PER_CHUNK = 500


def pay(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun | None:
    """Pay the bonus of the newest month whose pay day has come by `as_of`; None if there is no policy or no bonus.

    A month is paid once (one job run a month, and nobody twice); the growth counts on the pay day.
    """
    policy = ladders.load(programmes.current()).policies.at(as_of)
    if policy is None or not policy.days_bonus:
        return None
    pay_day = _pay_day(policy, clock.local_date(as_of))
    month = clock.months_after(clock.month_start(pay_day), -1)
    return jobs.run(
        JOB,
        clock.day_start(pay_day),
        spans=lambda: spans.of(due(policy, month), MEMBERS_PER_CHUNK, by="member_id"),
        work=lambda first, last: _pay_span(policy, month, pay_day, first, last, at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def is_due(as_of: dt.datetime) -> bool:
    """Whether a month's pay day has come that has not been dealt with."""
    policy = ladders.load(programmes.current()).policies.at(as_of)
    if policy is None or not policy.days_bonus:
        return False
    paid_at = clock.day_start(_pay_day(policy, clock.local_date(as_of)))
    return not JobRun.objects.filter(job=JOB, as_of=paid_at, status=JobRun.Status.DONE).exists()


def due(policy: GrowthPolicy, month: dt.date) -> QuerySet[Order, Any]:
    """Members (`member_id`) with enough shopping days in the month that begins on `month`, who have no bonus for it."""
    paid = GrowthEntry.objects.filter(
        member=OuterRef("member_id"), kind=GrowthEntry.Kind.DAYS, reference=grown.bonus_reference(month)
    )
    return (
        Order.objects.filter(completed_on__gte=month, completed_on__lt=clock.months_after(month, 1), growth_due__gt=0)
        .filter(~Exists(paid), member__status=Member.Status.ACTIVE)
        .order_by()
        .values("member_id")
        .annotate(days=Count("completed_on", distinct=True))
        .filter(days__gte=policy.days_needed)
    )


def _pay_day(policy: GrowthPolicy, today: dt.date) -> dt.date:
    this = today.replace(day=policy.days_paid_on)
    return this if this <= today else clock.months_after(this, -1)


def _pay_span(
    policy: GrowthPolicy, month: dt.date, pay_day: dt.date, first: int, last: int, at: dt.datetime
) -> dict[str, int]:
    found = due(policy, month).filter(member_id__gte=first, member_id__lte=last)
    names = dict(found.values_list("member_id", "member__external_id"))
    desk = Desk(sorted(names.values()), at)
    paid = 0
    # Asked again under the lock: a refund or another worker may have been here meanwhile.
    for external_id in due(policy, month).filter(member_id__in=names).values_list("member__external_id", flat=True):
        wallet = desk.wallets[external_id]
        entry = desk.growth.give(
            wallet,
            GrowthEntry.Kind.DAYS,
            policy.days_bonus,
            policy,
            clock.day_start(pay_day),
            reference=grown.bonus_reference(month),
        )
        if entry is not None:
            desk.mark(wallet, pay_day)
            paid += 1
    desk.close()
    return {"bonuses": paid}
