"""Alice and the others with their wallets, and ledger rows in few words."""

from __future__ import annotations

import datetime as dt

from django.db.models import Max

from loyalty.models import Account, Draw, Entry, Hold, Lot, Wallet
from loyalty.services import ledger
from members.models import Member

NOON = dt.datetime(2026, 3, 1, 4, 0, tzinfo=dt.UTC)  # 12:00 in Shanghai
DAY = dt.timedelta(days=1)


def account(name: str = "alice") -> Account:
    """The account of a member, made if there is none."""
    member, _made = Member.objects.get_or_create(external_id=name, defaults={"registered_at": NOON - 900 * DAY})
    wallet = Wallet.objects.select_related("account").filter(member=member).first()
    wallet = wallet or Wallet.objects.create(member=member, account=Account.objects.create())
    return wallet.account


def grant(holder: Account, points: int, *, expires_at: dt.datetime, at: dt.datetime = NOON - 30 * DAY, **more) -> Lot:
    """A lot given at `at`."""
    with ledger.open_book([holder.pk], at) as book:
        origin = {"source": Lot.Source.ACTIVITY, "reference": "test"} | more
        return book.grant(holder.pk, points, expires_at=expires_at, **origin)


def hold(holder: Account, points: int, *, expires_at: dt.datetime, at: dt.datetime = NOON) -> Hold:
    """Points set aside for a checkout."""
    with ledger.open_book([holder.pk], at) as book:
        return book.hold(holder.pk, points, order_code="o-1", expires_at=expires_at, reference="test")


def owe(holder: Account, points: int, *, at: dt.datetime = NOON) -> None:
    """A debt, for an account that has nothing."""
    with ledger.open_book([holder.pk], at) as book:
        book.owe(holder.pk, points, contra=Entry.Contra.CLAWED_BACK, reference="test")


def balances(holder: Account) -> tuple[int, int, int, int]:
    """Available, pending, held, owed, as the database has them."""
    return Account.objects.values_list("available", "pending", "held", "owed").get(pk=holder.pk)


def entries(holder: Account, *, after: int = 0) -> list[tuple]:
    """(seq, unit, kind, delta, balance_after, contra) of every entry after a number, in order."""
    rows = Entry.objects.filter(account=holder, seq__gt=after).order_by("seq")
    return list(rows.values_list("seq", "unit", "kind", "delta", "balance_after", "contra"))


def draws(holder: Account, *, after: int = 0) -> list[tuple]:
    """(seq, lot_seq, points) of every draw after a number, in order."""
    rows = Draw.objects.filter(account=holder, seq__gt=after).order_by("seq", "lot_seq")
    return list(rows.values_list("seq", "lot_seq", "points"))


def last_seq(holder: Account) -> int:
    """The number of the account's last entry."""
    return Entry.objects.filter(account=holder).aggregate(last=Max("seq"))["last"] or 0
