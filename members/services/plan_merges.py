"""Terms of plans follow a merge: what is left of the source's comes after the target's own, and goes back (domain.md E58)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import transaction

from members.models import Member, PlanPurchase, Subscription
from members.selectors import kin
from members.services import members, plans


def merge(source: Member, target: Member, at: dt.datetime) -> int:
    """The source's days that are left become the target's; how many terms. Twice is once."""
    return _hand_over(_left(Subscription.objects.filter(member=source), at), target, at)


def unmerge(source: Member, target: Member, at: dt.datetime) -> int:
    """What is left of the terms that came with the source goes back, wherever merges have led since; how many."""
    held_by = members.remaining(target)
    came = Subscription.objects.filter(member=held_by, origin__member__in=kin.ids(source.pk))
    return _hand_over(_left(came, at), source, at)


def _left(terms, at: dt.datetime) -> list[Subscription]:
    return list(terms.filter(ends_at__gt=at).select_related("plan", "member").order_by("starts_at"))


def _hand_over(terms: Iterable[Subscription], taker: Member, at: dt.datetime) -> int:
    """End the terms now, each having moved forward as the one before it ended, and give as many days to the taker.

    Who bought them has bought what the taker has from now on.
    """
    with transaction.atomic():
        given = [(term, term.days_left(at)) for term in terms]
        for pk in sorted({taker.pk, *(term.member_id for term, _days in given)}):
            Member.objects.select_for_update(no_key=True).get(pk=pk)
        for term, _days in given:
            term.refresh_from_db(fields=["starts_at", "ends_at"])
            plans.end(term, at)
        for term, days in given:
            new = plans.extend(taker, term.plan, days, at)
            new.origin_id = term.origin_id or term.pk
            new.save(update_fields=["origin"])
            PlanPurchase.objects.filter(subscription=term).update(subscription=new)
        return len(given)
