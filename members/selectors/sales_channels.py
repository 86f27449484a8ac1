"""What each channel sold in a month, and what it owes for it (domain.md S1-24). Minor units."""

from __future__ import annotations

import datetime as dt

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from common import clock
from members.models import PlanPurchase, SalesChannel

_SOLD = ("sale", "voucher", "renewal")


def settlement(month: dt.date) -> QuerySet[SalesChannel]:
    """Channels with `sold`, `owed`, `returned` (purchases) and `refunded` of a local month; owed − refunded is due.

    A sale counts in the month it was paid, a refund in the month it was paid back. One query.
    """
    first, after = _span(month)
    paid = Q(purchases__kind__in=_SOLD, purchases__paid_at__gte=first, purchases__paid_at__lt=after)
    back = Q(
        purchases__status=PlanPurchase.Status.REFUNDED,
        purchases__refunded_at__gte=first,
        purchases__refunded_at__lt=after,
    )
    return SalesChannel.objects.annotate(
        sold=Count("purchases", filter=paid),
        owed=Coalesce(Sum("purchases__price", filter=paid), 0),
        returned=Count("purchases", filter=back),
        refunded=Coalesce(Sum("purchases__refund", filter=back), 0),
    ).order_by("code")


def terms(channel: SalesChannel, month: dt.date) -> QuerySet[PlanPurchase]:
    """What a channel's settlement of a local month consists of: terms paid or paid back in it."""
    first, after = _span(month)
    paid, back = Q(paid_at__gte=first, paid_at__lt=after), Q(refunded_at__gte=first, refunded_at__lt=after)
    rows = PlanPurchase.objects.filter(paid | back, channel=channel, kind__in=_SOLD)
    return rows.select_related("offer", "voucher__batch").order_by("-id")


def _span(month: dt.date) -> tuple[dt.datetime, dt.datetime]:
    return clock.day_start(month), clock.day_start(clock.months_after(month, 1))
