"""Merchants with points to give, in few words."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from loyalty.models import Account, Lot
from loyalty.services import expiry, ledger
from loyalty.services.ledger import Contra, Kind
from loyalty.tests import cast
from loyalty.tests.cast import NOON
from merchants.models import Merchant, Purse, Store
from merchants.services import pockets, purses


def a_merchant(code: str = "acme") -> Merchant:
    """A merchant with one store that bears the merchant's code."""
    merchant, _made = Merchant.objects.get_or_create(code=code, defaults={"name": code.title()})
    Store.objects.get_or_create(code=f"{code}-1", defaults={"name": f"{code.title()} One", "merchant": merchant})
    return merchant


def a_purse(points: int = 0, code: str = "acme", *, expires_at: dt.datetime = expiry.NEVER) -> Purse:
    """The purse of a merchant, with so many more points in it."""
    purse = purses.of(a_merchant(code))
    if points:
        with ledger.open_book([purse.account_id], NOON) as book:
            book.grant(
                purse.account_id,
                points,
                source=Lot.Source.PURCHASE,
                reference="bought",
                expires_at=expires_at,
                kind=Kind.PURCHASE,
                funder_id=purse.account_id,
            )
    return purse


def give(accounts: list[Account], points: int, name: str = "alice", at: dt.datetime = NOON) -> Lot:
    """Points from pockets to a member, in a transaction of their own."""
    wallet = cast.account(name)
    with transaction.atomic(), ledger.open_book([wallet.pk], at) as book:
        return pockets.give(
            book,
            [account.pk for account in accounts],
            wallet.pk,
            points,
            reference="gift",
            expires_at=NOON + 90 * cast.DAY,
        )


def spend(name: str, points: int, at: dt.datetime = NOON) -> None:
    """A member spends points on something that is no order."""
    wallet = cast.account(name)
    with ledger.open_book([wallet.pk], at) as book:
        book.take(wallet.pk, points, kind=Kind.REDEEM, contra=Contra.REDEEMED, reference="spent")


def available(account: Account) -> int:
    """What an account can give, as the database has it."""
    return Account.objects.values_list("available", flat=True).get(pk=account.pk)
