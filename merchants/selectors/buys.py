"""Which order lines are a merchant's, and what was kept of them. Money in minor units."""

from __future__ import annotations

import datetime as dt

from django.db.models import F, QuerySet

from loyalty.models import Order, OrderLine
from merchants.models import Merchant, Store


def codes(merchant: Merchant) -> list[str]:
    """The codes by which order lines name the merchant's stores."""
    return list(Store.objects.filter(merchant=merchant).order_by("code").values_list("code", flat=True))


def kept(merchant: Merchant, since: dt.date, until: dt.date) -> QuerySet[OrderLine]:
    """Lines of completed orders at the merchant's stores in [since, until) of which something was kept, with `net` cash."""
    lines = OrderLine.objects.filter(
        store_code__in=codes(merchant),
        order__status=Order.Status.COMPLETED,
        order__completed_on__gte=since,
        order__completed_on__lt=until,
    )
    return lines.annotate(net=F("cash") - F("refunded_cash"), left=F("quantity") - F("refunded_quantity")).exclude(
        net=0, left=0
    )
