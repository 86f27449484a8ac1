"""What risk rules met, in figures: by day, by rule."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate

from common import clock
from members.models import Member, RiskRefusal


def by_day(first: dt.date, last: dt.date) -> dict[str, dict[dt.date, tuple[int, int]]]:
    """By rule (its name; empty for the lists) and local day: how many were refused or blocked, and met in shadow. One query."""
    since, until = clock.day_start(first), clock.day_start(last + dt.timedelta(days=1))
    rows = (
        RiskRefusal.objects.filter(at__gte=since, at__lt=until)
        .order_by()
        .annotate(day=TruncDate("at", tzinfo=clock.zone()))
        .values_list("version__rule__name", "day", "is_shadow")
        .annotate(total=Count("pk"))
    )
    found: dict[str, dict[dt.date, tuple[int, int]]] = defaultdict(dict)
    for name, day, is_shadow, total in rows:
        real, shadow = found[name or ""].get(day, (0, 0))
        found[name or ""][day] = (real, shadow + total) if is_shadow else (real + total, shadow)
    return dict(found)


def of(member: Member) -> QuerySet[RiskRefusal]:
    """What a member met, the newest first, with its reasons."""
    rows = RiskRefusal.objects.filter(member=member).select_related("version__rule", "listing", "appeal")
    return rows.order_by("-at", "-pk")
