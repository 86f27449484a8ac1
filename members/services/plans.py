"""Terms of paid plans: they follow each other without a gap and never overlap (domain.md E56)."""

from __future__ import annotations

import datetime as dt

from django.db.models import F, Max

from common import clock
from members.models import Member, Plan, Subscription


def lock(member: Member) -> Member:
    """The member's row, locked: who changes terms, quotes or purchases of a member waits for it."""
    return Member.objects.select_for_update(no_key=True).get(pk=member.pk)


def extend(member: Member, plan: Plan, days: int, at: dt.datetime) -> Subscription:
    """Give a member so many days of a plan, until the end of a local day: from now, or after the last term that there is.

    Runs in the caller's transaction.
    """
    lock(member)
    starts_at = runs_until(member, plan, at) or at
    ends_at = clock.day_end(clock.local_date(starts_at) + dt.timedelta(days=days))
    return Subscription.objects.create(member=member, plan=plan, starts_at=starts_at, ends_at=ends_at)


def runs_until(member: Member, plan: Plan, at: dt.datetime) -> dt.datetime | None:
    """The end of the last term that has not ended by `at`; None if there is none."""
    ahead = Subscription.objects.filter(member=member, plan=plan, ends_at__gt=at)
    return ahead.aggregate(last=Max("ends_at"))["last"]


def end(subscription: Subscription, at: dt.datetime) -> None:
    """End a term now; one that has not begun vanishes. The terms after it move forward by what it had left."""
    cut_to = max(subscription.starts_at, min(at, subscription.ends_at))
    moved = subscription.ends_at - cut_to
    later = Subscription.objects.filter(
        member=subscription.member_id, plan=subscription.plan_id, starts_at__gte=subscription.ends_at
    )
    was_end = subscription.ends_at
    Subscription.objects.filter(pk=subscription.pk).update(ends_at=cut_to)
    subscription.ends_at = cut_to
    if moved and was_end > at:
        for term in later.exclude(pk=subscription.pk).order_by("starts_at"):
            Subscription.objects.filter(pk=term.pk).update(
                starts_at=F("starts_at") - moved, ends_at=F("ends_at") - moved
            )
