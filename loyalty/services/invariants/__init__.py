"""What is always true of the ledger (docs/ledger.md): one SQL statement each, set-based, the same on both databases."""

from . import balances, entries, funders, growth, holds, journals, limits, lots, orders
from .invariant import Invariant

ALL: list[Invariant] = [
    balances.BALANCES_ARE_ENTRIES,
    balances.BALANCES_ARE_LOTS,
    balances.HELD_IS_OPEN_HOLDS,
    balances.PROGRAMME_SUMS_TO_ZERO,
    entries.ENTRIES_ARE_GAPLESS,
    entries.RUNNING_BALANCES,
    entries.OWN_MOVEMENTS_HAVE_TWINS,
    entries.TRANSFERS_HAVE_BOTH_ENTRIES,
    lots.LOTS_HAVE_THEIR_ENTRY,
    lots.LOTS_ARE_GRANTED_LESS_DRAWN,
    lots.DRAWS_STAY_WITHIN_THE_ACCOUNT,
    lots.ENTRIES_ARE_GRANTED_LESS_DRAWN,
    lots.NOTHING_MOVES_AFTER_EXPIRY,
    holds.HOLDS_HAVE_THEIR_ENTRY,
    holds.HOLDS_END_AS_THEY_SAY,
    orders.ORDERS_ARE_THEIR_LINES,
    orders.ORDERS_EARN_WHAT_IS_DUE,
    orders.REFUNDS_ARE_THEIR_LINES,
    orders.REFUNDS_MOVE_WHAT_THEY_SAY,
    orders.RESTORED_WITHIN_TENDERED,
    limits.CAPS_WITHIN_LOTS,
    limits.CAMPAIGNS_SPEND_WHAT_THEY_GIVE,
    limits.GIFTS_ARE_THEIR_LOTS,
    funders.FUNDERS_PAY_WHAT_IS_ISSUED,
    funders.FUNDERS_KEEP_WHAT_THEY_BOUGHT,
    growth.GROWTH_IS_ITS_ENTRIES,
    growth.RUNNING_GROWTH,
    growth.ORDERS_GROW_WHAT_IS_DUE,
    growth.TIERS_ARE_THEIR_HISTORY,
    journals.EVENTS_HAVE_ONE_OUTCOME,
    journals.POSTED_IS_PUBLISHED,
]


def register(*invariants: Invariant) -> None:
    """Prove more: what is always true of a higher floor. Called from its apps.py."""
    ALL.extend(invariants)


__all__ = ["ALL", "Invariant", "register"]
