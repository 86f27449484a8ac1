"""Points that are taken back from members and return to the merchants' purses that funded them (domain.md F16).

The member's side is written at once; the purses are locked when the desk closes, because they are the hottest rows
(docs/locking.md).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from loyalty.models import Account, Lot
from loyalty.services import expiry, ledger
from loyalty.services.ledger import Book, Contra, Kind, Portion


class Return(NamedTuple):
    """Points on their way to a purse."""

    funder_id: int
    account_id: int
    points: int
    reference: str


class Returns:
    """What goes back to purses in one book."""

    def __init__(self, book: Book):
        self._book = book
        self._known: dict[int, bool] = {}
        self._waiting: list[Return] = []

    def open(self, funder_ids: Collection[int]) -> set[int]:
        """Which of some purses take points back: those that are not closed. Read without a lock: only a policy hangs on it."""
        unknown = set(funder_ids) - self._known.keys()
        if unknown:
            self._known |= dict.fromkeys(unknown, False)
            found = Account.objects.filter(pk__in=unknown, closed_at=None)
            self._known |= dict.fromkeys(found.values_list("pk", flat=True), True)
        return {funder for funder in funder_ids if self._known[funder]}

    def take(self, account_id: int, funder_id: int, portions: Sequence[Portion], reference: str) -> None:
        """Take portions of an account's lots for the purse that funded them."""
        self._book.take_from(
            account_id,
            portions,
            kind=Kind.CLAWBACK,
            contra=Contra.HOLDER,
            contra_account_id=funder_id,
            reference=reference,
        )
        points = sum(portion.points for portion in portions)
        self._waiting.append(Return(funder_id, account_id, points, reference))

    def close(self) -> None:
        """Lock the purses, in id order, and put the points into them: for good, as they were bought without an end."""
        self._book.include(ledger.lock({back.funder_id for back in self._waiting} - self._book.accounts.keys()))
        for back in self._waiting:
            self._book.grant(
                back.funder_id,
                back.points,
                kind=Kind.CLAWBACK,
                contra=Contra.HOLDER,
                contra_account_id=back.account_id,
                source=Lot.Source.RETURN,
                reference=back.reference,
                expires_at=expiry.NEVER,
                funder_id=back.funder_id,
            )
        self._waiting.clear()
