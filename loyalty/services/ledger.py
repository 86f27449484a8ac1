"""The ledger: every movement on accounts that are locked for one transaction.

A `Book` holds the accounts of one transaction, locked in id order. Movements are computed in memory and written set-based
when the book is closed, so a batch of a thousand costs a handful of statements and a single event is a batch of one.
The ledger knows no owner and no rule: it moves amounts between accounts (ledger.md). Below it lie the shelf (lots) and
the journal (accounts and entries).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

from django.db import transaction

from common import sql
from loyalty.models.accounts import Account
from loyalty.models.holds import Hold
from loyalty.models.lots import Lot
from loyalty.services.journal import Contra, InsufficientPoints, Kind, Unit, lock
from loyalty.services.shelf import Portion, Shelf

__all__ = ["Book", "Contra", "InsufficientPoints", "Kind", "Portion", "Unit", "lock", "open_book"]


class Book(Shelf):
    """Accounts locked for one transaction and what will be written to them. Open it with `open_book`."""

    def __init__(self, accounts: Iterable[Account], at: dt.datetime):
        super().__init__(accounts, at)
        self._new_holds: list[Hold] = []
        self._changed_holds: dict[int, Hold] = {}
        self._holds: dict[int, Hold] = {}
        self._settled: set[int] = set()

    # Granting --------------------------------------------------------------------------------------------

    def grant(
        self,
        account_id: int,
        points: int,
        *,
        source: str,
        reference: str,
        expires_at: dt.datetime,
        earned_at: dt.datetime | None = None,
        available_at: dt.datetime | None = None,
        kind: str = Kind.EARN,
        contra: str = Contra.ISSUED,
        funder_id: int | None = None,
        contra_account_id: int | None = None,
        **origin,
    ) -> Lot:
        """Make a lot of `points` > 0, pending until `available_at`; a debt is repaid from it at once.

        What is granted so late that it has expired expires at once.

        `origin` names what made it: rule_version, order_line, review, parent.
        """
        account = self.accounts[account_id]
        available_at = available_at or earned_at or self.at
        is_pending = available_at > self.at
        unit = Unit.PENDING if is_pending else Unit.POINTS
        seq = self._post(account, unit, kind, points, contra, reference, contra_account_id)
        lot = sql.build(
            Lot,
            account=account,
            lot_seq=seq,
            earned=points,
            remaining=points,
            is_open=True,
            is_pending=is_pending,
            earned_at=earned_at or self.at,
            available_at=available_at,
            expires_at=expires_at,
            source=source,
            reference=reference,
            funder_id=funder_id,
            **origin,
        )
        self._put(lot)
        if expires_at <= self.at:
            self._expire_due(account)
        elif not is_pending:
            self._repay(account, [lot], reference)
        return lot

    def _repay(self, account: Account, lots: Sequence[Lot], reference: str) -> None:
        """A debt is paid by what has just become available, soonest-expiring first."""
        for lot in sorted(lots, key=lambda lot: (lot.expires_at, lot.lot_seq)):
            points = min(account.owed, lot.remaining)
            if points:
                seq = self._post(account, Unit.POINTS, Kind.REPAY, -points, Contra.DEBT, reference)
                self._draw(account, seq, lot, points)
                self._post(account, Unit.DEBT, Kind.REPAY, -points, Contra.POINTS, reference)

    # Taking ----------------------------------------------------------------------------------------------

    def take(
        self,
        account_id: int,
        points: int,
        *,
        kind: str,
        contra: str,
        reference: str,
        contra_account_id: int | None = None,
    ) -> tuple[int, list[Portion]]:
        """Take points > 0 from the soonest-expiring spendable lots (F7); return the entry's number and the portions.

        Raises InsufficientPoints and changes nothing if the account has fewer.
        """
        self.settle(account_id)
        account = self.accounts[account_id]
        self.require(account_id, points)
        portions = self.portions(self.spendable(account_id), points)
        seq = self._withdraw(account, Unit.POINTS, kind, contra, reference, portions, contra_account_id)
        return seq, portions

    def take_from(
        self, account_id: int, portions: Sequence[Portion], *, kind: str, contra: str, reference: str, **holder
    ) -> None:
        """Take given portions of given lots, pending ones from the pending balance and others from the available one."""
        account = self.accounts[account_id]
        for unit, pending in ((Unit.PENDING, True), (Unit.POINTS, False)):
            chosen = [portion for portion in portions if portion.lot.is_pending is pending and portion.points]
            if chosen:
                self._withdraw(account, unit, kind, contra, reference, chosen, **holder)

    def _withdraw(
        self,
        account: Account,
        unit: str,
        kind: str,
        contra: str,
        reference: str,
        portions: Sequence[Portion],
        contra_account_id: int | None = None,
    ) -> int:
        total = sum(portion.points for portion in portions)
        seq = self._post(account, unit, kind, -total, contra, reference, contra_account_id)
        for portion in portions:
            self._draw(account, seq, portion.lot, portion.points)
        return seq

    def owe(self, account_id: int, points: int, *, contra: str, reference: str) -> None:
        """Make a debt of points > 0; only for an account that has nothing left to spend."""
        self._post(self.accounts[account_id], Unit.DEBT, Kind.OWE, points, contra, reference)

    def write_off(self, account_id: int, points: int, *, contra: str, reference: str) -> None:
        """Forgive points > 0 of a debt."""
        self._post(self.accounts[account_id], Unit.DEBT, Kind.ADJUST, -points, contra, reference)

    # Giving back -----------------------------------------------------------------------------------------

    def put_back(
        self,
        account_id: int,
        portions: Sequence[Portion],
        *,
        kind: str,
        contra: str,
        reference: str,
        contra_account_id: int | None = None,
    ) -> None:
        """Give points back to the lots they were drawn from; a debt is repaid from them at once."""
        account = self.accounts[account_id]
        total = sum(portion.points for portion in portions)
        if not total:
            return
        seq = self._post(account, Unit.POINTS, kind, total, contra, reference, contra_account_id)
        for portion in portions:
            self._draw(account, seq, portion.lot, -portion.points)
        alive = [portion.lot for portion in portions if portion.lot.expires_at > self.at]
        self._repay(account, alive, reference)

    # Holding ---------------------------------------------------------------------------------------------

    def hold(self, account_id: int, points: int, *, order_code: str, expires_at: dt.datetime, reference: str) -> Hold:
        """Set points aside until `expires_at`. Raises InsufficientPoints."""
        seq, _portions_taken = self.take(account_id, points, kind=Kind.HOLD, contra=Contra.HELD, reference=reference)
        return self._hold(account_id, seq, points, order_code, expires_at, reference)

    def set_aside(
        self, account_id: int, portions: Sequence[Portion], *, expires_at: dt.datetime, reference: str
    ) -> Hold:
        """Hold given portions of given lots, which must be available."""
        account = self.accounts[account_id]
        seq = self._withdraw(account, Unit.POINTS, Kind.HOLD, Contra.HELD, reference, portions)
        return self._hold(account_id, seq, sum(portion.points for portion in portions), "", expires_at, reference)

    def _hold(
        self, account_id: int, seq: int, points: int, order_code: str, expires_at: dt.datetime, reference: str
    ) -> Hold:
        account = self.accounts[account_id]
        self._post(account, Unit.HELD, Kind.HOLD, points, Contra.POINTS, reference)
        hold = Hold(
            account=account, seq=seq, points=points, order_code=order_code, created_at=self.at, expires_at=expires_at
        )
        self._new_holds.append(hold)
        return hold

    def know(self, holds: Iterable[Hold]) -> list[Hold]:
        """The same holds as this book's own objects: a hold that lapsed here is seen as lapsed everywhere."""
        return [self._holds.setdefault(hold.pk, hold) for hold in holds]

    def open_holds(self, account_id: int) -> list[Hold]:
        """The open holds of an account."""
        found = self.know(Hold.objects.filter(account_id=account_id, status=Hold.Status.OPEN).order_by("pk"))
        return [hold for hold in found if hold.status == Hold.Status.OPEN]

    @property
    def lapsed(self) -> list[Hold]:
        """The holds that lapsed in this book."""
        return [hold for hold in self._changed_holds.values() if hold.status == Hold.Status.LAPSED]

    def capture(self, hold: Hold, reference: str) -> None:
        """The held points are spent."""
        account = self.accounts[hold.account_id]
        self._post(account, Unit.HELD, Kind.REDEEM, -hold.points, Contra.REDEEMED, reference)
        self._close(hold, Hold.Status.CAPTURED)

    def release(self, hold: Hold, reference: str, status: str = Hold.Status.RELEASED) -> None:
        """The held points go back to their lots; those whose lot has expired meanwhile expire now."""
        account = self.accounts[hold.account_id]
        self._post(account, Unit.HELD, Kind.RELEASE, -hold.points, Contra.POINTS, reference)
        self.put_back(
            hold.account_id,
            self.drawn(hold.account_id, hold.seq),
            kind=Kind.RELEASE,
            contra=Contra.HELD,
            reference=reference,
        )
        self._close(hold, status)
        self._expire_due(account)
        if account.merged_into_id:
            self.sweep(account.pk, account.merged_into_id, reference)

    def _close(self, hold: Hold, status: str) -> None:
        hold.status, hold.closed_at = status, self.at
        if hold.pk:
            self._changed_holds[hold.pk] = hold

    # Time ------------------------------------------------------------------------------------------------

    def settle(self, account_id: int) -> None:
        """Bring an account up to the book's time, however late the jobs are: holds lapse, lots mature and expire."""
        if account_id in self._settled:
            return
        self._settled.add(account_id)
        account = self.accounts[account_id]
        if account.held:
            for hold in self.open_holds(account_id):
                if hold.expires_at <= self.at:
                    self.release(hold, f"hold:{hold.uuid}", Hold.Status.LAPSED)
        self._expire_due(account)
        if account.pending:
            self._mature_due(account)

    def _mature_due(self, account: Account) -> None:
        due = [lot for lot in self.lots(account.pk) if lot.is_pending and lot.available_at <= self.at]
        self.mature(account.pk, due, f"mature:{self.posted_on}")

    def mature(self, account_id: int, lots: Sequence[Lot], reference: str) -> None:
        """Make pending lots available, whatever their time."""
        account, due = self.accounts[account_id], lots
        total = sum(lot.remaining for lot in due)
        if total:
            self._post(account, Unit.PENDING, Kind.MATURE, -total, Contra.POINTS, reference)
            self._post(account, Unit.POINTS, Kind.MATURE, total, Contra.PENDING, reference)
            for lot in due:
                lot.is_pending = False
                self._touch(lot)
            self._repay(account, due, reference)

    def _expire_due(self, account: Account) -> None:
        due = [Portion(lot, lot.remaining) for lot in self.lots(account.pk) if lot.expires_at <= self.at]
        self.take_from(account.pk, due, kind=Kind.EXPIRE, contra=Contra.EXPIRED, reference=f"expire:{self.posted_on}")

    def forfeit(self, account_id: int, *, reference: str) -> int:
        """Let go of all holds and let all points expire before their time; return how many."""
        for hold in self.open_holds(account_id):
            self.release(hold, reference)
        portions = self.whole(account_id)
        self.take_from(account_id, portions, kind=Kind.EXPIRE, contra=Contra.EXPIRED, reference=reference)
        return sum(portion.points for portion in portions)

    # Moving ----------------------------------------------------------------------------------------------

    def move(
        self, sender_id: int, receiver_id: int, portions: Sequence[Portion], *, source: str, reference: str
    ) -> None:
        """Transfer portions of lots to another holder; each arrives as a lot of its own that keeps expiry, funder and rule.

        In a merge the holder is the same, so the lots stay those of their order line or review.
        """
        self.take_from(
            sender_id,
            portions,
            kind=Kind.TRANSFER,
            contra=Contra.HOLDER,
            contra_account_id=receiver_id,
            reference=reference,
        )
        for portion in portions:
            lot = portion.lot
            origin = {"order_line_id": lot.order_line_id, "review_id": lot.review_id}
            self.grant(
                receiver_id,
                portion.points,
                kind=Kind.TRANSFER,
                contra=Contra.HOLDER,
                contra_account_id=sender_id,
                source=source,
                reference=reference,
                expires_at=lot.expires_at,
                earned_at=lot.earned_at,
                available_at=lot.available_at,
                funder_id=lot.funder_id,
                rule_version_id=lot.rule_version_id,
                sliding_days=lot.sliding_days,
                parent=lot,
                **(origin if source == Lot.Source.MERGE else {}),
            )

    def sweep(self, sender_id: int, receiver_id: int, reference: str) -> int:
        """Move all open lots and the debt of a merged account to the one it was merged into; return how many points.

        If that one was merged itself, they go on to where it went.
        """
        self.include(lock({receiver_id} - self.accounts.keys()))
        portions = self.whole(sender_id)
        self.move(sender_id, receiver_id, portions, source=Lot.Source.MERGE, reference=reference)
        self.move_debt(sender_id, receiver_id, reference=reference)
        further = self.accounts[receiver_id].merged_into_id
        if further:
            self.sweep(receiver_id, further, reference)
        return sum(portion.points for portion in portions)

    def move_debt(self, sender_id: int, receiver_id: int, *, reference: str) -> None:
        """Move a debt to another holder, who pays it at once as far as the balance goes."""
        points = self.accounts[sender_id].owed
        if points:
            for account_id, other_id, delta in ((sender_id, receiver_id, -points), (receiver_id, sender_id, points)):
                self._post(
                    self.accounts[account_id], Unit.DEBT, Kind.TRANSFER, delta, Contra.HOLDER, reference, other_id
                )
            self._repay(self.accounts[receiver_id], self.spendable(receiver_id), reference)

    def close(self) -> None:
        super().close()
        sql.insert(self._new_holds)
        if self._changed_holds:
            sql.update_rows(list(self._changed_holds.values()), ["status", "closed_at"])


@contextmanager
def open_book(account_ids: Collection[int], at: dt.datetime) -> Iterator[Book]:
    """A transaction on some accounts: locked on entry, written on exit, nothing written if anything is raised."""
    with transaction.atomic():
        book = Book(lock(account_ids), at)
        yield book
        book.close()
