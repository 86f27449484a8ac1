"""Store codes that orders name and no store bears, with what was bought there."""

from __future__ import annotations

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from loyalty.models import OrderLine
from merchants.models import Store, UnknownStore


def unknown() -> QuerySet[UnknownStore]:
    """The codes that still wait, with the `lines` of completed orders that name them and their `cash`; no query a row."""
    bought = OrderLine.objects.filter(store_code=OuterRef("code"), order__completed_at__isnull=False)
    by_store = bought.order_by().values("store_code")
    return UnknownStore.objects.filter(~Exists(Store.objects.filter(code=OuterRef("code")))).annotate(
        lines=Coalesce(Subquery(by_store.annotate(lines=Count("pk")).values("lines")), 0),
        cash=Coalesce(Subquery(by_store.annotate(paid=Sum("cash")).values("paid")), 0),
    )
