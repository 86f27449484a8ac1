"""Terms of paid plans. Sales, prices and refunds come with issue 6; a term that was given begins here."""

from __future__ import annotations

import datetime as dt

from django.db.models import Max

from common import clock
from members.models import Member, Plan, Subscription


def extend(member: Member, plan: Plan, days: int, at: dt.datetime) -> Subscription:
    """Give a member so many days of a plan, until the end of a local day: from now, or after the term that runs.

    The caller holds the member's account, so two terms never begin at once.
    """
    runs_until = Subscription.objects.filter(member=member, plan=plan, ends_at__gt=at).aggregate(last=Max("ends_at"))
    starts_at = runs_until["last"] or at
    ends_at = clock.day_end(clock.local_date(starts_at) + dt.timedelta(days=days))
    return Subscription.objects.create(member=member, plan=plan, starts_at=starts_at, ends_at=ends_at)
