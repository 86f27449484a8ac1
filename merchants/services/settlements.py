"""The month between merchants and platform: whose points were used at whose stores (domain.md S1-04, F16).

A use belongs to the day on which it was posted, so late news falls into the month that hears of it. The issuer's prepaid
points pay the redeemer; what expired goes to whom the purse's contract says. Every cell is owed by one and due to
another, so the matrix nets to zero by construction.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common import clock
from common.models import JobRun, Staff
from common.problems import Problem
from common.services import audit, jobs, outbox
from loyalty.models import Account
from loyalty.selectors import programme as programmes
from loyalty.selectors import spans
from merchants import facts
from merchants.models import Settlement, SettlementCell
from merchants.selectors import uses
from merchants.selectors.uses import Cell

JOB = "settle-month"
PATIENCE = dt.timedelta(hours=1)
"""A month is closed when it has been over for so long: what was under way at its end is posted by then."""


class SettlementClosed(Problem):
    """A closed month never changes."""

    code = "settlement_closed"
    status = 409
    title = _("The month is closed and never changes: later news belongs to the next one.")


class MonthNotOver(Problem):
    """A month is closed after its end, on numbers that were computed after its end."""

    code = "month_not_over"
    status = 409
    title = _("The month is not over yet, or was last computed before it was. Compute it again an hour after its end.")


def compute(
    month: dt.date,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Settlement:
    """Compute an open month as far as it is posted, or go on with the computation of the instant `at`.

    Raises SettlementClosed.
    """
    month = clock.month_start(month)
    settlement = _begin(month, at)
    days = (month, clock.months_after(month, 1))
    run = jobs.run(
        JOB,
        at,
        spans=lambda: spans.of(Account.objects.all(), by="id"),
        work=lambda first, last: _settle_span(settlement, first, last, days, at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )
    return _finish(settlement, at) if run.status == JobRun.Status.DONE else settlement


def compute_due(at: dt.datetime) -> Settlement | None:
    """Compute last month, if it is over, open, and not computed since its end; goes on with what was killed half-way."""
    month = clock.months_after(clock.month_start(clock.local_date(at)), -1)
    over = clock.day_start(clock.months_after(month, 1)) + PATIENCE
    found = Settlement.objects.filter(month=month).first()
    if at < over or (found and (found.status == Settlement.Status.CLOSED or may_close(found, at))):
        return None
    begun = found.as_of if found and found.as_of and found.as_of >= over else None
    return compute(month, begun or at)


def _begin(month: dt.date, at: dt.datetime) -> Settlement:
    with transaction.atomic():
        Settlement.objects.bulk_create([Settlement(month=month)], ignore_conflicts=True)
        settlement = Settlement.objects.select_for_update().get(month=month)
        if settlement.status == Settlement.Status.CLOSED:
            raise SettlementClosed
        if settlement.as_of != at:
            settlement.cells.all().delete()
            settlement.as_of, settlement.is_complete = at, False
            settlement.save(update_fields=["as_of", "is_complete"])
        return settlement


def _settle_span(
    settlement: Settlement, first: int, last: int, days: tuple[dt.date, dt.date], at: dt.datetime
) -> dict[str, int]:
    """Add what some accounts did to the cells, in the chunk's transaction; nothing if a later computation has begun."""
    found = uses.of_accounts(first, last, days)
    if not found:
        return {}
    row = Settlement.objects.select_for_update().get(pk=settlement.pk)
    if row.as_of != at or row.status == Settlement.Status.CLOSED:
        return {}
    known = {Cell(cell.issuer_id, cell.redeemer_id, cell.kind): cell for cell in row.cells.all()}
    for key, points in found.items():
        cell = known.get(key) or SettlementCell(settlement=row, issuer_id=key.issuer, redeemer_id=key.redeemer)
        cell.kind, cell.points = key.kind, (cell.points or 0) + points
        cell.save()
    moved = Counter(dict.fromkeys(SettlementCell.Kind.values, 0))
    for key, points in found.items():
        moved[key.kind] += points
    return {kind: points for kind, points in moved.items() if points}


@transaction.atomic
def _finish(settlement: Settlement, at: dt.datetime) -> Settlement:
    """Say what the points are worth; each cell is rounded once, towards nought."""
    row = Settlement.objects.select_for_update().get(pk=settlement.pk)
    if row.as_of != at or row.is_complete:
        return row
    programme = programmes.current()
    cells = list(row.cells.all())
    for cell in cells:
        money = programmes.money_of(programme, abs(cell.points))
        cell.money = money if cell.points > 0 else -money
    SettlementCell.objects.bulk_update(cells, ["money"], batch_size=500)
    row.value_points, row.value_money = programme.point_value_points, programme.point_value_money
    row.is_complete = True
    row.save(update_fields=["value_points", "value_money", "is_complete"])
    return row


def may_close(settlement: Settlement, at: dt.datetime) -> bool:
    """Whether the month is over and was computed afterwards."""
    over = clock.day_start(clock.months_after(settlement.month, 1)) + PATIENCE
    return bool(at >= over and settlement.is_complete and settlement.as_of and settlement.as_of >= over)


def close(settlement: Settlement, *, actor: audit.Actor, at: dt.datetime) -> Settlement:
    """Make the month's numbers final. Raises SettlementClosed, MonthNotOver."""
    with transaction.atomic():
        row = Settlement.objects.select_for_update().get(pk=settlement.pk)
        if row.status == Settlement.Status.CLOSED:
            raise SettlementClosed
        if not may_close(row, at):
            raise MonthNotOver
        row.status, row.closed_at = Settlement.Status.CLOSED, at
        row.closed_by, row.closed_by_label = actor.staff, actor.label[:150]
        row.save(update_fields=["status", "closed_at", "closed_by", "closed_by_label"])
        audit.record(actor, "merchants.settlements.close", row, f"Settlement of {row} closed", at)
        outbox.publish([facts.SettlementClosed(f"{row}")], at)
    return row
