"""A medal's members by level against the base: who they are, what they bring, what else they buy (S1-34, S1-39)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise

from django.db.models import Count, F, Max, Q, QuerySet, Sum

from common import clock
from loyalty.models import Medal, MedalAward, MedalCut, MedalLevel, MedalStanding, Order, OrderLine
from loyalty.selectors.medals import MONTHS

BEST = 1000
"""What members buy is looked up for so many of the best: a page must not read every order there is."""


@dataclass(frozen=True, slots=True)
class LevelReport:
    """Members of a level (None = a score but no level yet) and what they did in the medal's twelve months.

    Money in minor units; `cost` is the members' number × the level's cost of benefits a year.
    """

    level: MedalLevel | None
    members: int
    money: int
    orders: int
    pieces: int

    @property
    def cost(self) -> int:
        return self.members * self.level.benefit_cost if self.level else 0

    @property
    def profit(self) -> int:
        """What is left of the spend after the benefits; the goods themselves cost more."""
        return self.money - self.cost

    @property
    def money_each(self) -> int:
        """Spend for each member, rounded down."""
        return self.money // self.members if self.members else 0

    def times(self, base: LevelReport) -> int:
        """Spend for each member as a percentage of the base's, exact until rounded down; 0 without a base."""
        return self.money * base.members * 100 // (self.members * base.money) if self.members and base.money else 0


def counted_up_to(medal: Medal) -> dt.date | None:
    """The day before which the medal's newest scores were counted; None if they never were. One query."""
    return MedalCut.objects.filter(level__medal=medal).aggregate(newest=Max("as_of"))["newest"]


def by_level(medal: Medal) -> list[LevelReport]:
    """Every level, the highest first, then those who have a score but no level. Two queries."""
    rows = (
        MedalStanding.objects.filter(medal=medal, score__gt=0)
        .order_by()
        .values("level_id")
        .annotate(members=Count("pk"), spent=Sum("money"), bought=Sum("orders"), done=Sum("pieces"))
    )
    found: dict[int | None, tuple[int, int, int, int]] = {
        row["level_id"]: (row["members"], row["spent"], row["bought"], row["done"]) for row in rows
    }
    nothing = (0, 0, 0, 0)
    levels = [*medal.levels.order_by("-number"), None]
    return [LevelReport(level, *found.get(level.pk if level else None, nothing)) for level in levels]


def base(reports: list[LevelReport]) -> LevelReport:
    """All who have a score, whatever their level."""
    return LevelReport(
        None,
        sum(report.members for report in reports),
        sum(report.money for report in reports),
        sum(report.orders for report in reports),
        sum(report.pieces for report in reports),
    )


def faults(reports: list[LevelReport]) -> list[tuple[MedalLevel, MedalLevel]]:
    """Pairs (above, below) of levels where more members stand above than below: no pyramid (domain.md F4)."""
    held = [report for report in reports if report.level]
    return [(above.level, below.level) for above, below in pairwise(held) if above.members > below.members]


def movement(medal: Medal, as_of: dt.date) -> tuple[int, int]:
    """How many rose and how many fell when medals were counted up to a day. One query."""
    rose = Q(before=None) | Q(after__number__gt=F("before__number"))
    changes = MedalAward.objects.filter(medal=medal, as_of=as_of)
    counts = changes.aggregate(rose=Count("pk", filter=rose), changed=Count("pk"))
    return counts["rose"], counts["changed"] - counts["rose"]


def top_products(medal: Medal, level: MedalLevel | None, as_of: dt.date, size: int = 8) -> list[tuple[str, int, int]]:
    """(SKU, members, net cash) that the best members of a level (None = of the medal) bought most for this medal."""
    lines = _bought(medal, level, as_of)
    if medal.kind == Medal.Kind.CATEGORY:
        lines = lines.filter(category__in=medal.categories.values("category"))
    return _most(lines.exclude(sku=""), "sku", size)


def other_categories(
    medal: Medal, level: MedalLevel | None, as_of: dt.date, size: int = 8
) -> list[tuple[str, int, int]]:
    """(category, members, net cash) that the same members bought most outside the medal's categories."""
    lines = _bought(medal, level, as_of).exclude(category__in=medal.categories.values("category"))
    return _most(lines.exclude(category=""), "category", size)


def _bought(medal: Medal, level: MedalLevel | None, as_of: dt.date) -> QuerySet[OrderLine]:
    """What the best of them kept of what they bought in the months that the medal counts."""
    holders = MedalStanding.objects.filter(medal=medal, score__gt=0)
    holders = holders.filter(level=level) if level else holders.filter(level__isnull=False)
    best = holders.order_by("-score", "reached_at", "member")[:BEST].values("member")
    return OrderLine.objects.filter(
        order__member__in=best,
        order__status=Order.Status.COMPLETED,
        order__completed_on__gte=clock.months_after(as_of, -MONTHS),
        order__completed_on__lt=as_of,
        cash__gt=F("refunded_cash"),
    )


def _most(lines: QuerySet[OrderLine], what: str, size: int) -> list[tuple[str, int, int]]:
    money = Sum(F("cash") - F("refunded_cash"))
    rows = lines.order_by().values(what).annotate(members=Count("order__member", distinct=True), money=money)
    return list(rows.order_by("-money", what).values_list(what, "members", "money")[:size])
