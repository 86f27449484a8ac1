"""The programme in numbers, for the operators' overview. Set-based: eight queries, whatever the size."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncMonth

from common import clock
from common.models import Delivery, JobRun, RejectedEvent
from loyalty.models import Account, Entry, Lot, Order
from members.models import Member

Contra, Unit = Entry.Contra, Entry.Unit
MONTHS = 12
PROOF_JOB = "prove"

# What left or entered the programme, seen from the member: the sign makes each flow positive.
_FLOWS = {
    "issued": (Contra.ISSUED, 1),
    "spent": (Contra.REDEEMED, -1),
    "expired": (Contra.EXPIRED, -1),
    "clawed_back": (Contra.CLAWED_BACK, -1),
    "adjusted": (Contra.ADJUSTED, 1),
}


@dataclass(frozen=True)
class Totals:
    """Points as they stand, and how many there are of what."""

    available: int = 0
    pending: int = 0
    held: int = 0
    owed: int = 0
    holders: int = 0
    members: int = 0
    orders: int = 0

    @property
    def outstanding(self) -> int:
        """Points that members can still spend, now or later."""
        return self.available + self.pending + self.held


@dataclass(frozen=True)
class Flows:
    """Points that moved, by month (the newest last)."""

    months: list[dt.date] = field(default_factory=list)
    by_month: dict[str, list[int]] = field(default_factory=dict)

    def total(self, flow: str) -> int:
        """All months of a flow."""
        return sum(self.by_month[flow])


@dataclass(frozen=True)
class Health:
    """What somebody should look at."""

    proof: JobRun | None
    red: int
    dead_letters: int
    waiting: int
    failed_jobs: int
    rejected_today: int
    jobs: list[JobRun]


def totals() -> Totals:
    """Three queries: on accounts, members and orders, none on the ledger."""
    sums = Account.objects.filter(kind=Account.Kind.MEMBER).aggregate(
        # First: after it the name means the sum.
        holders=Count("id", filter=Q(available__gt=0)),
        available=Sum("available", default=0),
        pending=Sum("pending", default=0),
        held=Sum("held", default=0),
        owed=Sum("owed", default=0),
    )
    members = Member.objects.filter(status=Member.Status.ACTIVE).count()
    return Totals(members=members, orders=Order.objects.exclude(status=Order.Status.AWAITED).count(), **sums)


def flows(today: dt.date) -> Flows:
    """Issued, spent (less what was given back), expired, clawed back and adjusted, month by month over a year. One query."""
    months = _months_until(today)
    rows = (
        Entry.objects.filter(posted_on__gte=months[0], contra__in=[contra for contra, _sign in _FLOWS.values()])
        .exclude(unit=Unit.DEBT)
        .annotate(month=TruncMonth("posted_on"))
        .order_by()
        .values_list("month", "contra")
        .annotate(points=Sum("delta"))
    )
    sums = {(month, contra): points for month, contra, points in rows}
    return Flows(
        months,
        {flow: [sign * sums.get((month, contra), 0) for month in months] for flow, (contra, sign) in _FLOWS.items()},
    )


def expiring(at: dt.datetime) -> list[tuple[dt.date, int]]:
    """Members' open points by the month in whose course they expire; what is due next first. One query.

    A deadline is the start of the next day, so the month is that of the instant before. Lots share few deadlines.
    """
    rows = (
        Lot.objects.filter(is_open=True, expires_at__gt=at, account__kind=Account.Kind.MEMBER)
        .order_by()
        .values_list("expires_at")
        .annotate(points=Sum("remaining"))
    )
    by_month: dict[dt.date, int] = {}
    for deadline, points in rows:
        month = clock.local_date(deadline - dt.timedelta(microseconds=1)).replace(day=1)
        by_month[month] = by_month.get(month, 0) + points
    return sorted(by_month.items())


def health(at: dt.datetime) -> Health:
    """Proof, jobs, dead letters and rejected events. Three queries."""
    runs = list(JobRun.objects.order_by("-started_at")[:200])
    newest: dict[str, JobRun] = {}
    for run in runs:
        newest.setdefault(run.job, run)
    proof = next((run for run in runs if run.job == PROOF_JOB and run.status == JobRun.Status.DONE), None)
    deliveries = Delivery.objects.aggregate(
        dead=Count("id", filter=Q(status=Delivery.Status.DEAD)),
        waiting=Count("id", filter=Q(status=Delivery.Status.PENDING)),
    )
    return Health(
        proof=proof,
        red=proof.counts.get("red", 0) if proof else 0,
        dead_letters=deliveries["dead"],
        waiting=deliveries["waiting"],
        failed_jobs=sum(run.status == JobRun.Status.FAILED for run in newest.values()),
        rejected_today=RejectedEvent.objects.filter(received_at__gte=clock.day_start(clock.local_date(at))).count(),
        jobs=sorted(newest.values(), key=lambda run: run.job),
    )


def _months_until(today: dt.date) -> list[dt.date]:
    """The first days of the last MONTHS months, this one included."""
    now = today.year * 12 + today.month - 1
    return [dt.date(number // 12, number % 12 + 1, 1) for number in range(now - MONTHS + 1, now + 1)]
