"""Taking earned points back (domain.md F11): pending ones, the earning lots, other lots, the cash refund, debt.

What is taken from a lot that a merchant funds returns to that merchant's purse (F16); debt, cash deductions and what is
written off stay with the platform (docs/decisions/0015).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loyalty.models import Lot, Wallet
from loyalty.selectors import programme as programmes
from loyalty.services.desk import Desk
from loyalty.services.ledger import Contra, Kind, Portion


@dataclass(slots=True)
class Taken:
    """What a clawback took: points from lots, points forgiven, money (minor units), debt, points written off."""

    points: int = 0
    forgiven: int = 0
    cash_deduction: int = 0
    debt: int = 0
    written_off: int = 0


def take(
    desk: Desk,
    wallet: Wallet,
    points: int,
    lots: Sequence[Lot],
    *,
    reference: str,
    cash: int = 0,
    first: Sequence[Lot] = (),
    forgiven: int = 0,
) -> Taken:
    """Take `points` back that `lots` had earned (on the wallet's account or one merged into it), `first` ones first.

    What of the lots expired unspent is forgiven, less what was `forgiven` before: the member gained nothing (E8). `cash`
    is the refund about to be paid, in minor units; it is cut at the published value of a point, rounded down. A debt
    stands only beside an empty balance, so other lots come before it even where the cash comes before other lots.
    """
    taken = Taken()
    if points <= 0:
        return taken
    taken.forgiven = min(points, max(_expired(desk, lots) - forgiven, 0))
    left = due = points - taken.forgiven
    left -= _from_lots(desk, _in_order(lots, first), left, reference)
    if desk.programme.clawback_other_lots:
        left -= _from_others(desk, wallet, left, reference)
    cut = min(left, programmes.points_of(desk.programme, cash)) if desk.programme.clawback_cash else 0
    taken.cash_deduction = programmes.money_of(desk.programme, cut)
    left -= cut
    if desk.programme.clawback_debt:
        left -= _from_others(desk, wallet, left, reference)
        if left:
            desk.book.owe(wallet.account_id, left, contra=Contra.CLAWED_BACK, reference=reference)
            taken.debt, left = left, 0
    taken.written_off = left
    taken.points = due - cut - taken.debt - taken.written_off
    return taken


def recall(desk: Desk, lots: Sequence[Lot], points: int, *, reference: str) -> int:
    """Take up to `points` from these lots alone, whatever the programme says of debts; return how many were taken."""
    return _from_lots(desk, _in_order(lots, ()), points, reference)


def demand(desk: Desk, wallet: Wallet, points: int, *, reference: str) -> Taken:
    """Take `points` that were spent: from other lots, and what they do not hold as debt, whatever the programme says."""
    taken = Taken(points=_from_others(desk, wallet, points, reference))
    taken.debt = points - taken.points
    if taken.debt:
        desk.book.owe(wallet.account_id, taken.debt, contra=Contra.CLAWED_BACK, reference=reference)
    return taken


def _expired(desk: Desk, lots: Sequence[Lot]) -> int:
    accounts = {lot.account_id for lot in lots}
    return sum(
        desk.book.expired(account_id, [lot for lot in lots if lot.account_id == account_id]) for account_id in accounts
    )


def _in_order(lots: Iterable[Lot], first: Sequence[Lot]) -> list[Lot]:
    """Pending lots before others; of each, those of the refunded lines before the order's other lines."""
    preferred = {id(lot) for lot in first}
    return sorted(
        (lot for lot in lots if lot.remaining),
        key=lambda lot: (not lot.is_pending, id(lot) not in preferred, lot.expires_at, lot.lot_seq),
    )


def _from_others(desk: Desk, wallet: Wallet, points: int, reference: str) -> int:
    return _from_lots(desk, desk.book.spendable(wallet.account_id), points, reference)


def _from_lots(desk: Desk, lots: Iterable[Lot], points: int, reference: str) -> int:
    """Take up to `points` from lots in their order; return how many were taken."""
    portions = desk.book.portions(lots, points)
    funders = desk.returns.open({portion.lot.funder_id for portion in portions if portion.lot.funder_id})
    shares: dict[tuple[int, int], list[Portion]] = defaultdict(list)
    for portion in portions:
        funder = portion.lot.funder_id
        shares[portion.lot.account_id, funder if funder in funders else 0].append(portion)
    for (account_id, funder), chosen in sorted(shares.items(), key=lambda share: share[0]):
        if funder:
            desk.returns.take(account_id, funder, chosen, reference)
        else:
            desk.book.take_from(account_id, chosen, kind=Kind.CLAWBACK, contra=Contra.CLAWED_BACK, reference=reference)
    return sum(portion.points for portion in portions)
