"""Why a member has the points she has: every lot with what made it and what drew on it, what was not given,
and what risk rules refused."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice
from typing import NamedTuple

from django.db.models import Q, QuerySet

from loyalty.models import Draw, Entry, Lot, Shortfall
from members.models import RiskRefusal

LOT, SHORTFALL, REFUSAL = 1, 0, -1


class Position(NamedTuple):
    """A place in the row, in the order of time; of the same instant, lots come before shortfalls and those before refusals."""

    at: dt.datetime
    rank: int
    pk: int


@dataclass(slots=True)
class Explanation:
    """One lot with its draws, one shortfall, or one refusal."""

    position: Position
    lot: Lot | None = None
    shortfall: Shortfall | None = None
    refusal: RiskRefusal | None = None
    draws: list[tuple[Entry, int]] = field(default_factory=list)


def of(account_id: int, limit: int, after: Position | None = None, *, newest_first: bool = True) -> list[Explanation]:
    """Up to `limit` explanations beyond `after`. Five queries."""
    lots = Lot.objects.filter(account_id=account_id).select_related(
        "rule_version__rule", "rule_version__campaign", "order_line__order", "review"
    )
    shortfalls = Shortfall.objects.filter(account_id=account_id).select_related("rule_version__rule")
    refusals = RiskRefusal.objects.filter(member__wallet__account=account_id, is_shadow=False).exclude(outcome="watch")
    refusals = refusals.select_related("version__rule", "listing", "appeal")
    row = merge(
        [
            Explanation(Position(lot.earned_at, LOT, lot.pk), lot=lot)
            for lot in _beyond(lots, "earned_at", LOT, limit, after, newest_first)
        ],
        [
            Explanation(Position(shortfall.at, SHORTFALL, shortfall.pk), shortfall=shortfall)
            for shortfall in _beyond(shortfalls, "at", SHORTFALL, limit, after, newest_first)
        ],
        [
            Explanation(Position(refusal.at, REFUSAL, refusal.pk), refusal=refusal)
            for refusal in _beyond(refusals, "at", REFUSAL, limit, after, newest_first)
        ],
        key=lambda explanation: explanation.position,
        reverse=newest_first,
    )
    found = list(islice(row, limit))
    _add_draws(account_id, found)
    return found


def _beyond(rows: QuerySet, time: str, rank: int, limit: int, after: Position | None, newest_first: bool) -> QuerySet:
    """The next rows of one kind in the order of Position, which compares time, kind and id."""
    if after is not None:
        compare = "lt" if newest_first else "gt"
        beyond = Q(**{f"{time}__{compare}": after.at})
        if rank == after.rank:
            beyond |= Q(**{time: after.at, f"pk__{compare}": after.pk})
        elif (rank < after.rank) == newest_first:
            beyond |= Q(**{time: after.at})
        rows = rows.filter(beyond)
    order = (time, "pk")
    return rows.order_by(*[f"-{name}" for name in order] if newest_first else order)[:limit]


def _add_draws(account_id: int, explanations: list[Explanation]) -> None:
    by_lot = {explanation.lot.lot_seq: explanation for explanation in explanations if explanation.lot}
    draws = list(Draw.objects.filter(account_id=account_id, lot_seq__in=by_lot).order_by("seq"))
    wanted = {draw.seq for draw in draws}
    entries = {entry.seq: entry for entry in Entry.objects.filter(account_id=account_id, seq__in=wanted)}
    for draw in draws:
        by_lot[draw.lot_seq].draws.append((entries[draw.seq], draw.points))
