"""Spend per head by band of the settled score, against the base (domain.md S1-13). Money in minor units."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from django.db.models import Case, Count, IntegerField, Sum, Value, When
from django.db.models.functions import Coalesce

from loyalty.models import Score, ScoreThreshold
from members.models import Member


@dataclass(frozen=True)
class Band:
    """Members between two lines: `threshold` is the lower one, None below all of them."""

    threshold: ScoreThreshold | None
    members: int
    cash: int

    def per_head(self) -> Fraction:
        """What a member of the band spent in twelve months, exactly."""
        return Fraction(self.cash, self.members) if self.members else Fraction(0)

    def times(self, base: Band) -> Fraction | None:
        """How many times the base spends; None if the base spent nothing."""
        return self.per_head() / base.per_head() if base.cash and self.members else None


def bands() -> list[Band]:
    """The bands between the named thresholds, the lowest first; two queries.

    Members count who are active and have a settled score; spend is what the last night found (MemberStats).
    """
    lines = list(ScoreThreshold.objects.order_by("value", "is_strict"))
    place = Case(
        *[When(settled__gte=line.least, then=Value(number)) for number, line in reversed(list(enumerate(lines)))],
        default=Value(-1),
        output_field=IntegerField(),
    )
    rows = (
        Score.objects.filter(settled__isnull=False, member__status=Member.Status.ACTIVE)
        .order_by()
        .values(place=place)
        .annotate(members=Count("pk"), cash=Coalesce(Sum("member__stats__net_cash_12m"), 0))
        .values_list("place", "members", "cash")
    )
    found = {number: (members, cash) for number, members, cash in rows}
    return [
        Band(lines[number] if number >= 0 else None, *found.get(number, (0, 0))) for number in range(-1, len(lines))
    ]


def base(rows: list[Band]) -> Band:
    """All bands together: what the others are held against."""
    return Band(None, sum(band.members for band in rows), sum(band.cash for band in rows))
