"""Terms of paid plans: they follow each other without a gap and never overlap (domain.md E56)."""

from __future__ import annotations

import datetime as dt

from django.db.models import Max

from common import clock
from members.models import Member, Plan, Subscription

TICK = dt.timedelta(microseconds=1)


def lock(member: Member) -> Member:
    """The member's row, locked: who changes terms, quotes or purchases of a member waits for it."""
    return Member.objects.select_for_update(no_key=True).get(pk=member.pk)


def extend(member: Member, plan: Plan, days: int, at: dt.datetime) -> Subscription:
    """Give a member so many days of a plan, from now, or after the last term that there is.

    Runs in the caller's transaction.
    """
    lock(member)
    starts_at = runs_until(member, plan, at) or at
    ends_at = end_of(starts_at, days)
    return Subscription.objects.create(member=member, plan=plan, starts_at=starts_at, ends_at=ends_at)


def end_of(starts_at: dt.datetime, days: int) -> dt.datetime:
    """The local midnight so many whole days on; the rest of a day that has begun is given besides.

    So a term that follows another at midnight lasts its days and not one more, and days of 23 or 25 hours are days.
    """
    return clock.day_end(_day_before(starts_at) + dt.timedelta(days=days))


def runs_until(member: Member, plan: Plan, at: dt.datetime) -> dt.datetime | None:
    """The end of the last term that has not ended by `at`; None if there is none."""
    ahead = Subscription.objects.filter(member=member, plan=plan, ends_at__gt=at)
    return ahead.aggregate(last=Max("ends_at"))["last"]


def end(subscription: Subscription, at: dt.datetime) -> None:
    """End a term now; one that has not begun vanishes. The terms after it move forward, each with its whole days."""
    was_until = subscription.ends_at
    subscription.ends_at = max(subscription.starts_at, min(at, was_until))
    subscription.save(update_fields=["ends_at"])
    if was_until <= at:
        return
    follow = subscription.ends_at
    later = Subscription.objects.filter(
        member=subscription.member_id, plan=subscription.plan_id, starts_at__gte=was_until, ends_at__gt=was_until
    )
    for term in later.exclude(pk=subscription.pk).order_by("starts_at"):
        days = (_day_before(term.ends_at) - _day_before(term.starts_at)).days
        term.starts_at, term.ends_at = follow, end_of(follow, days)
        term.save(update_fields=["starts_at", "ends_at"])
        follow = term.ends_at


def _day_before(at: dt.datetime) -> dt.date:
    """The local day that an instant ends or cuts: at midnight the one before it."""
    return clock.local_date(at - TICK)
