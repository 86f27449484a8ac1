"""The journal: accounts locked for one transaction, and the entries that will be posted to them.

Balances and versions move in memory; `close` writes accounts, entries and draws in one statement each.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from common import clock, sql
from common.problems import Problem
from loyalty.models.accounts import Account
from loyalty.models.entries import Entry
from loyalty.models.lots import Draw

Unit, Kind, Contra = Entry.Unit, Entry.Kind, Entry.Contra

_BALANCE: dict[str, str] = {Unit.POINTS: "available", Unit.PENDING: "pending", Unit.HELD: "held", Unit.DEBT: "owed"}


class InsufficientPoints(Problem):
    """The account has fewer spendable points than asked for."""

    code = "insufficient_points"
    status = 409
    title = _("There are not enough points.")


class BookConflict(RuntimeError):
    """An account changed although it was locked: the transaction must not commit."""


class Posting(NamedTuple):
    """An Entry before it is written."""

    account_id: int
    seq: int
    unit: str
    kind: str
    delta: int
    balance_after: int
    contra: str
    contra_account_id: int | None
    reference: str
    posted_on: dt.date
    at: dt.datetime


class Cut(NamedTuple):
    """A Draw before it is written."""

    account_id: int
    seq: int
    lot_seq: int
    points: int


class Journal:
    """Locked accounts and what is posted to them."""

    def __init__(self, accounts: Iterable[Account], at: dt.datetime):
        self.at = at
        self.posted_on = clock.local_date(at)
        self.accounts: dict[int, Account] = {}
        self._versions: dict[int, int] = {}
        self._entries: list[Posting] = []
        self._draws: list[Cut] = []
        self.include(accounts)

    def include(self, accounts: Iterable[Account]) -> None:
        """Take in accounts that the caller has locked (or just inserted) in this transaction."""
        for account in accounts:
            if account.pk not in self.accounts:
                self.accounts[account.pk] = account
                self._versions[account.pk] = account.version

    @property
    def entries(self) -> Sequence[Posting]:
        """What was posted so far, in order."""
        return self._entries

    def require(self, account_id: int, points: int) -> None:
        """Raises InsufficientPoints, saying how many are missing, if the account cannot spend so many."""
        missing = points - self.accounts[account_id].available
        if missing > 0:
            raise InsufficientPoints(_("There are %(missing)d points too few.") % {"missing": missing}, missing=missing)

    def _post(
        self,
        account: Account,
        unit: str,
        kind: str,
        delta: int,
        contra: str,
        reference: str,
        contra_account_id: int | None = None,
    ) -> int:
        field = _BALANCE[unit]
        balance = getattr(account, field) + delta
        if balance < 0:
            raise InsufficientPoints(missing=-balance)
        setattr(account, field, balance)
        account.version += 1
        self._entries.append(
            Posting(
                account.pk,
                account.version,
                unit,
                kind,
                delta,
                balance,
                contra,
                contra_account_id,
                reference,
                self.posted_on,
                self.at,
            )
        )
        return account.version

    def close(self) -> None:
        """Write everything: a fixed number of statements, whatever the number of movements."""
        changed = [a for a in self.accounts.values() if a.version != self._versions[a.pk]]
        if changed:
            written = sql.update_rows(
                changed,
                ["available", "pending", "held", "owed", "version"],
                guard={"version": [self._versions[account.pk] for account in changed]},
            )
            if written != len(changed):
                raise BookConflict("an account changed under its lock")
        sql.insert_rows(Entry, Posting._fields, self._entries)
        sql.insert_rows(Draw, Cut._fields, self._draws)


def lock(account_ids: Collection[int]) -> list[Account]:
    """Lock accounts in id order, the order every writer takes them in (docs/locking.md)."""
    if not account_ids:
        return []  # most desks meet nobody else's purse: nothing is put together for that
    return list(Account.objects.select_for_update().filter(pk__in=account_ids).order_by("pk"))
