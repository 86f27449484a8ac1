"""What a merchant may know of its buyers (domain.md S1-15, S1-34, E49; PIPL 23).

One by one only members who agreed to it, for this merchant, and until they take it back: what they bought in its own
stores, and the band of their score, never the number and never a credit. All others only in groups: a closed quarter,
each buyer in one group of each table, no group with fewer than settings.INSIGHT_LEAST_GROUP members whom the merchant
does not know: who ever agreed can be taken away from a group, and does not hide the others. There is no other filter, and
quarters do not overlap, so the difference of two answers holds a whole group or nobody. Money in minor units.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Coalesce

from common import clock
from loyalty.models import Score, ScoreThreshold
from members.models import Consent, Member
from members.selectors import consents
from merchants.models import Merchant
from merchants.selectors import buys

MONTHS = 12
QUARTERS = 4
OTHER = "other"
# Lower bounds of the groups; the last one is open. Days on which somebody ordered, and what was spent.
DAYS = (1, 2, 3, 6)
AMOUNTS = (0, 10_000, 50_000, 200_000)
NO_SCORE, BELOW = "none", "below"

# A merged member's orders are whose it was merged into (E58).
OWNER = Coalesce("order__member__merged_into__merged_into", "order__member__merged_into", "order__member")


@dataclass(frozen=True, slots=True)
class MemberInsight:
    """What a consenting member bought in the merchant's stores in twelve months; `band` is a threshold's code."""

    member: Member
    since: dt.date
    cash: int
    orders: int
    order_days: int
    last_order_on: dt.date | None
    band: str
    categories: list[tuple[str, int]]
    """(category, per mille of the cash, rounded down), the most first."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One group of buyers; `label` OTHER where groups that were too small were put together."""

    label: str
    members: int
    cash: int


@dataclass(frozen=True, slots=True)
class CategorySales:
    """The stores' own sales of a category in a period and in the one before."""

    category: str
    cash: int
    pieces: int
    cash_before: int
    pieces_before: int


def consenting(merchant: Merchant) -> QuerySet[Member]:
    """Active members who agreed that this merchant sees what they buy there."""
    return Member.objects.filter(
        status=Member.Status.ACTIVE, pk__in=consents.members_with(Consent.Purpose.INSIGHT, merchant.code)
    )


def of_member(merchant: Merchant, member: Member, at: dt.datetime) -> MemberInsight:
    """What she bought there in the twelve months up to yesterday. Ask services/insights.py: it asks her consent first."""
    until = clock.local_date(at)
    since = clock.months_after(until, -MONTHS)
    lines = buys.kept(merchant, since, until).alias(owner=OWNER).filter(owner=member.pk)
    total = lines.aggregate(
        cash=Sum("net", default=0),
        orders=Count("order", distinct=True),
        days=Count("order__completed_on", distinct=True),
    )
    last = lines.order_by("-order__completed_on").values_list("order__completed_on", flat=True).first()
    rows = lines.order_by().values("category").annotate(cash=Sum("net")).order_by("-cash", "category")
    spent = [(row["category"], row["cash"]) for row in rows if row["cash"] > 0]
    return MemberInsight(
        member=member,
        since=since,
        cash=total["cash"],
        orders=total["orders"],
        order_days=total["days"],
        last_order_on=last,
        band=bands([member.pk])[member.pk],
        categories=[(category, cash * 1000 // total["cash"]) for category, cash in spent],
    )


def bands(member_ids: Iterable[int]) -> dict[int, str]:
    """The highest named score threshold that each member's settled score meets, by code; two queries."""
    ids = list(member_ids)
    lines = list(ScoreThreshold.objects.order_by("-value", "-is_strict"))
    scores: dict[int, int] = {}
    for start in range(0, len(ids), 1000):
        rows = Score.objects.filter(member__in=ids[start : start + 1000], settled__isnull=False)
        scores |= {pk: score for pk, score in rows.values_list("member_id", "settled") if score is not None}
    return {pk: _band(scores.get(pk), lines) for pk in ids}


def _band(score: int | None, lines: Sequence[ScoreThreshold]) -> str:
    if score is None:
        return NO_SCORE
    return next((line.code for line in lines if line.is_met_by(score)), BELOW)


# Groups -----------------------------------------------------------------------------------------------------


def quarters(at: dt.datetime) -> list[dt.date]:
    """The first days of the last closed quarters, the newest first."""
    today = clock.local_date(at)
    this = dt.date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    return [clock.months_after(this, -3 * number) for number in range(1, QUARTERS + 1)]


def figures(merchant: Merchant, quarter: dt.date) -> dict:
    """All buyers of a quarter in groups by days, amount, score band and favourite category; JSON.

    `buyers` and `cash` are None, and there are no tables, where fewer buyers than the smallest group are unknown.
    """
    lines = buys.kept(merchant, quarter, clock.months_after(quarter, 3)).annotate(owner=OWNER).order_by()
    rows = lines.values("owner").annotate(cash=Sum("net"), days=Count("order__completed_on", distinct=True))
    spent = {row["owner"]: row["cash"] for row in rows}
    days = {row["owner"]: row["days"] for row in rows}
    least, known = settings.INSIGHT_LEAST_GROUP, set(ever_known(merchant))
    if len(spent.keys() - known) < least:
        return {"buyers": None, "cash": None}
    tables = {
        "frequency": {pk: str(floor_of(DAYS, days[pk])) for pk in spent},
        "amount": {pk: str(floor_of(AMOUNTS, cash)) for pk, cash in spent.items()},
        "score": bands(spent),
        "category": _favourites(lines.values_list("owner", "category").annotate(sum=Sum("net"))),
    }
    return {"buyers": len(spent), "cash": sum(spent.values())} | {
        name: [[cell.label, cell.members, cell.cash] for cell in grouped(labels, spent, known, least)]
        for name, labels in tables.items()
    }


def ever_known(merchant: Merchant) -> QuerySet:
    """The ids of who ever agreed that the merchant sees what they buy: what was seen is not forgotten when it is taken back."""
    rows = Consent.objects.filter(purpose=Consent.Purpose.INSIGHT, recipient=merchant.code).order_by()
    owner = Coalesce("member__merged_into__merged_into", "member__merged_into", "member")
    return rows.annotate(owner=owner).values_list("owner", flat=True)


def grouped(labels: Mapping[int, str], spent: Mapping[int, int], known: Collection[int], least: int) -> list[Cell]:
    """Each buyer in one group, `least` or more of each not `known`: small ones go together, with the next if need be.

    The groups together are all buyers, so nothing can be found out by taking groups from the whole.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for pk, label in labels.items():
        groups[label].append(pk)
    unknown = {label: sum(pk not in known for pk in found) for label, found in groups.items()}
    small = [label for label in groups if unknown[label] < least]
    others, hidden = [pk for label in small for pk in groups.pop(label)], sum(unknown[label] for label in small)
    while others and hidden < least and groups:
        label = min(groups, key=lambda label: (unknown[label], label))
        others += groups.pop(label)
        hidden += unknown[label]
    cells = [Cell(label, len(found), sum(spent[pk] for pk in found)) for label, found in sorted(groups.items())]
    if hidden >= least:
        cells.append(Cell(OTHER, len(others), sum(spent[pk] for pk in others)))
    return cells


def floor_of(bounds: Sequence[int], value: int) -> int:
    """The group that a value stands in, by its lower bound."""
    return max((bound for bound in bounds if bound <= value), default=bounds[0])


def _favourites(rows: Iterable[tuple[int, str, int]]) -> dict[int, str]:
    """For each buyer the category with the most cash; of equal ones the first by name."""
    best: dict[int, tuple[int, str]] = {}
    for owner, category, cash in rows:
        known = best.get(owner)
        if known is None or (-cash, category) < (-known[0], known[1]):
            best[owner] = (cash, category)
    return {owner: category for owner, (_cash, category) in best.items()}


# Sales ------------------------------------------------------------------------------------------------------


def sales_by_category(merchant: Merchant, at: dt.datetime, days: int = 30) -> list[CategorySales]:
    """The last whole days against as many before them; the merchant's own sales, without buyers. Two queries."""
    until = clock.local_date(at)
    now, before = (
        {
            row["category"]: (row["cash"], row["pieces"])
            for row in buys.kept(merchant, until - dt.timedelta(days=back + days), until - dt.timedelta(days=back))
            .order_by()
            .values("category")
            .annotate(cash=Sum("net"), pieces=Sum("left"))
        }
        for back in (0, days)
    )
    found = [
        CategorySales(category, *now.get(category, (0, 0)), *before.get(category, (0, 0))) for category in now | before
    ]
    return sorted(found, key=lambda row: (-row.cash, -row.cash_before, row.category))
