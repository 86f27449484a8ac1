"""What a replay has done, read back from the books and not from memory, so that stops and starts change nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count, Sum

from common.models import InboxEvent, RejectedEvent
from loyalty.models import Account, Entry, Refund, Tier
from loyalty.models.standings import HUNDREDTHS
from members.models import Member

Kind, Contra = Entry.Kind, Entry.Contra


@dataclass(frozen=True)
class Events:
    """Events of one source by what they did."""

    applied: int
    ignored: dict[str, int]
    rejected: dict[str, int]


@dataclass(frozen=True)
class Points:
    """The whole programme's books: points, and money in minor units.

    issued − spent + restored − clawed back − expired + adjusted = outstanding − debt.
    """

    issued: int
    spent: int
    clawed_back: int
    restored: int
    expired: int
    adjusted: int
    outstanding: int
    debt: int
    cash_deduction: int
    forgiven: int


def events(source: str) -> Events:
    """What became of everything this source has sent so far."""
    taken = {
        (status, reason): number
        for status, reason, number in InboxEvent.objects.filter(source=source)
        .values_list("status", "reason")
        .annotate(number=Count("pk"))
        .order_by("status", "reason")
    }
    refused = RejectedEvent.objects.filter(source=source).values_list("problem__code").annotate(number=Count("pk"))
    return Events(
        applied=taken.pop((InboxEvent.Status.APPLIED, ""), 0),
        ignored={reason: number for (_status, reason), number in taken.items()},
        rejected=dict(refused.order_by("problem__code")),
    )


def points() -> Points:
    """Sums over the ledger as it stands."""
    moved: Counter[tuple[str, str]] = Counter()
    for kind, contra, unit, delta in (
        Entry.objects.values_list("kind", "contra", "unit").annotate(d=Sum("delta")).order_by()
    ):
        # A debt is points the member lacks: what raises it counts like points taken.
        moved[kind, contra] += -delta if unit == Entry.Unit.DEBT else delta
    accounts = Account.objects.filter(kind=Account.Kind.MEMBER).aggregate(
        points=Sum("available", default=0) + Sum("pending", default=0) + Sum("held", default=0),
        owed=Sum("owed", default=0),
    )
    refunds = Refund.objects.aggregate(cash=Sum("cash_deduction", default=0), forgiven=Sum("forgiven", default=0))

    def total(contra: str, *kinds: str) -> int:
        return sum(moved[kind, contra] for kind in kinds or Kind)

    return Points(
        issued=total(Contra.ISSUED),
        spent=-total(Contra.REDEEMED, Kind.REDEEM),
        clawed_back=-total(Contra.CLAWED_BACK),
        restored=total(Contra.REDEEMED, Kind.RESTORE),
        expired=-total(Contra.EXPIRED),
        adjusted=total(Contra.ADJUSTED),
        outstanding=accounts["points"],
        debt=accounts["owed"],
        cash_deduction=refunds["cash"],
        forgiven=refunds["forgiven"],
    )


def tiers() -> list[tuple[str, int, int]]:
    """Members and their growth (whole units) by tier, the highest first."""
    rows = (
        Tier.objects.filter(standings__member__status=Member.Status.ACTIVE)
        .annotate(members=Count("standings"), growth=Sum("standings__growth"))
        .order_by("-rank")
        .values_list("name", "members", "growth")
    )
    return [(name, members, growth // HUNDREDTHS) for name, members, growth in rows]
