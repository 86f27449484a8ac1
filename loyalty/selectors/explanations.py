"""Why a member has the points she has: every lot with what made it and what drew on it, and what was not given."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice
from typing import NamedTuple

from django.db.models import Q, QuerySet

from loyalty.models import Draw, Entry, Lot, Shortfall


class Position(NamedTuple):
    """A place in the row of lots and shortfalls, in the order of time; lots come before shortfalls of the same instant."""

    at: dt.datetime
    is_lot: int
    pk: int


@dataclass(slots=True)
class Explanation:
    """One lot with its draws, or one shortfall."""

    position: Position
    lot: Lot | None = None
    shortfall: Shortfall | None = None
    draws: list[tuple[Entry, int]] = field(default_factory=list)


def of(account_id: int, limit: int, after: Position | None = None, *, newest_first: bool = True) -> list[Explanation]:
    """Up to `limit` explanations beyond `after`. Four queries."""
    lots = Lot.objects.filter(account_id=account_id).select_related(
        "rule_version__rule", "rule_version__campaign", "order_line__order", "review"
    )
    shortfalls = Shortfall.objects.filter(account_id=account_id).select_related("rule_version__rule")
    row = merge(
        [
            Explanation(Position(lot.earned_at, 1, lot.pk), lot=lot)
            for lot in _beyond(lots, "earned_at", 1, limit, after, newest_first)
        ],
        [
            Explanation(Position(shortfall.at, 0, shortfall.pk), shortfall=shortfall)
            for shortfall in _beyond(shortfalls, "at", 0, limit, after, newest_first)
        ],
        key=lambda explanation: explanation.position,
        reverse=newest_first,
    )
    found = list(islice(row, limit))
    _add_draws(account_id, found)
    return found


def _beyond(rows: QuerySet, time: str, is_lot: int, limit: int, after: Position | None, newest_first: bool) -> QuerySet:
    """The next rows of one kind in the order of Position, which compares time, kind and id."""
    if after is not None:
        compare = "lt" if newest_first else "gt"
        beyond = Q(**{f"{time}__{compare}": after.at})
        if is_lot == after.is_lot:
            beyond |= Q(**{time: after.at, f"pk__{compare}": after.pk})
        elif (is_lot < after.is_lot) == newest_first:
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
