"""The membership as a pyramid: how many stand on each tier, who moved, who stands at an edge (domain.md S2-02, S2-36)."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.db.models import Count, Max, QuerySet, Sum
from django.db.models.functions import TruncMonth

from common import clock
from loyalty.models import Ladder, PyramidDay, Rung, Standing, Tier, TierChange
from loyalty.models.standings import HUNDREDTHS
from members.models import Member

MONTHS = 12
EDGE = 20


@dataclass(frozen=True, slots=True)
class Layer:
    """One tier now: its active members and their growth together, in hundredths."""

    tier: Tier
    members: int
    growth: int

    @property
    def mean_growth(self) -> int | None:
        """Whole growth a member, rounded down; None without members."""
        return self.growth // self.members // HUNDREDTHS if self.members else None


@dataclass(frozen=True, slots=True)
class Edge:
    """Who stands nearest to a threshold: the last below it, the first on it and above."""

    rung: Rung
    below: list[Standing]
    above: list[Standing]


def layers() -> list[Layer]:
    """The tiers, the highest first, with their members. Two queries."""
    rows = (
        Standing.objects.filter(member__status=Member.Status.ACTIVE)
        .order_by()
        .values_list("tier")
        .annotate(members=Count("pk"), sum=Sum("growth"))
    )
    counted = {tier: (members, growth) for tier, members, growth in rows}
    return [Layer(tier, *counted.get(tier.pk, (0, 0))) for tier in Tier.objects.order_by("-rank")]


def too_wide(sizes: Iterable[tuple[Tier, int]], ladder: Ladder | None) -> list[tuple[Tier, Tier]]:
    """Pairs (above, below) of neighbouring tiers, the upper one with more members: no pyramid (F4).

    `sizes` come with the highest tier first. Where a rung asks for an order, those below it have not bought anything
    yet: they stand before the pyramid, not in it (F3: "pyramid above bronze").
    """
    asking = ladder.rungs.filter(needs_order=True).aggregate(rank=Max("tier__rank"))["rank"] if ladder else None
    layers = [(tier, members) for tier, members in sizes if asking is None or tier.rank >= asking]
    return [(above, below) for (above, many), (below, few) in pairwise(layers) if many > few]


def months(now: Sequence[Layer], today: dt.date) -> list[tuple[dt.date, dict[int, int]]]:
    """The members of today by the tier they stood on at the start of each of the last months, the newest last.

    Told backwards from today's numbers by the history of changes. One query.
    """
    firsts = [clock.months_after(clock.month_start(today), -back) for back in range(MONTHS)]
    rows = (
        TierChange.objects.filter(at__gte=clock.day_start(firsts[-1]), member__status=Member.Status.ACTIVE)
        .annotate(month=TruncMonth("at"))
        .order_by()
        .values_list("month", "before", "after")
        .annotate(members=Count("pk"))
    )
    moved: dict[dt.date, Counter] = {}
    for month, before, after, members in rows:
        moves = moved.setdefault(clock.local_date(month), Counter())
        moves[after] += members
        moves[before] -= members
    standing = Counter({layer.tier.pk: layer.members for layer in now})
    told = []
    for first in firsts:
        standing.subtract(moved.get(first, Counter()))
        told.append((first, {layer.tier.pk: standing[layer.tier.pk] for layer in now}))
    return told[::-1]


def moves(since: dt.datetime) -> list[tuple[Tier | None, Tier | None, int]]:
    """Changes of tier from an instant on: from, to, how many; the most frequent first. Two queries."""
    tiers = Tier.objects.in_bulk()
    rows = (
        TierChange.objects.filter(at__gte=since).order_by().values_list("before", "after").annotate(members=Count("pk"))
    )
    told = [(tiers.get(before), tiers.get(after), members) for before, after, members in rows if before != after]
    return sorted(told, key=lambda row: -row[2])


def counted() -> list[PyramidDay]:
    """The newest nightly count, the highest tier first. One query."""
    newest = PyramidDay.objects.order_by("-day").values("day")[:1]
    return list(PyramidDay.objects.filter(day=newest).select_related("tier").order_by("-tier__rank"))


def edges(rungs: Sequence[Rung]) -> list[Edge]:
    """The members nearest to each threshold above nothing, at most EDGE on each side. Two queries a rung."""
    found = []
    for rung in sorted(rungs, key=lambda rung: -rung.tier.rank):
        if threshold := rung.threshold * HUNDREDTHS:
            below = _nearest(Standing.objects.filter(growth__lt=threshold, growth__gt=0), "-growth")
            found.append(Edge(rung, below, _nearest(Standing.objects.filter(growth__gte=threshold), "growth")))
    return found


def _nearest(standings: QuerySet[Standing], order: str) -> list[Standing]:
    """The first few, found before anything is joined to them. Who has left has no growth."""
    few = standings.order_by(order, "pk").values("pk")[:EDGE]
    return list(Standing.objects.filter(pk__in=few).select_related("member", "tier").order_by(order, "pk"))
