"""The life cycle in numbers: who came from where to where, and how long members stay (domain.md S1-52, F24)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Avg, Case, Count, DurationField, ExpressionWrapper, F, IntegerField, Value, When

from loyalty.models import MemberStats

MOST_CATEGORIES = 5


@dataclass(frozen=True)
class Lifetime:
    """Customers who bought in so many categories (the last row: or in more), and their mean days from first to last order."""

    categories: int
    members: int
    days: int


def flow(since: dt.datetime) -> list[tuple[str, str, int]]:
    """(before, after, members) of those whose present stage began since an instant; the largest stream first."""
    rows = MemberStats.objects.filter(lifecycle_since__gte=since).exclude(lifecycle_before="")
    return list(
        rows.order_by()
        .values_list("lifecycle_before", "lifecycle")
        .annotate(members=Count("pk"))
        .order_by("-members", "lifecycle_before", "lifecycle")
    )


def lifetimes() -> list[Lifetime]:
    """The more scenes are touched, the longer the life: by the number of categories bought in."""
    lived = ExpressionWrapper(F("last_order_on") - F("first_order_on"), DurationField())
    categories = Case(
        When(categories__gte=MOST_CATEGORIES, then=Value(MOST_CATEGORIES)),
        default=F("categories"),
        output_field=IntegerField(),
    )
    rows = (
        MemberStats.objects.filter(last_order_on__isnull=False)
        .order_by()
        .annotate(scenes=categories)
        .values_list("scenes")
        .annotate(members=Count("pk"), lived=Avg(lived))
        .order_by("scenes")
    )
    return [Lifetime(scenes, members, days.days) for scenes, members, days in rows]
