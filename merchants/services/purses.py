"""Merchants' purses: the points a merchant has bought, and the mark below which it is told (domain.md S1-44, F16)."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import F, Q

from common.problems import InvalidInput
from common.services import audit, outbox
from loyalty.models import Account
from loyalty.selectors import balances
from loyalty.services import ledger
from merchants import facts
from merchants.models import Merchant, Purse


@transaction.atomic
def of(merchant: Merchant) -> Purse:
    """The merchant's purse, made if there is none."""
    purse = Purse.objects.select_related("account", "merchant").filter(merchant=merchant).first()
    if purse is None:
        # One at a time: the second to come finds what the first has made.
        Merchant.objects.select_for_update().get(pk=merchant.pk)
        purse = Purse.objects.select_related("account", "merchant").filter(merchant=merchant).first()
    if purse is None:
        purse = Purse.objects.create(merchant=merchant, account=Account.objects.create(kind=Account.Kind.PURSE))
    return purse


def balance(merchant: Merchant, at: dt.datetime) -> int:
    """Points the merchant's purse can give now, without what is set aside in pockets; what is due to expire is out."""
    purse = Purse.objects.select_related("account").filter(merchant=merchant).first()
    return balances.of(purse.account, at).available if purse else 0


def watch(at: dt.datetime, purse: Purse | None = None) -> int:
    """Tell of purses that have come below their mark, each once until it was filled; return how many.

    Set-based over all purses, or for the one that has just changed, in the caller's transaction.
    """
    purses = Purse.objects.filter(pk=purse.pk) if purse else Purse.objects.all()
    with transaction.atomic():
        filled = Purse.objects.filter(low_since__isnull=False, account__available__gte=F("low_at"))
        purses.filter(pk__in=filled.values("pk")).update(low_since=None)
        low = Q(low_since=None, account__closed_at=None, account__available__lt=F("low_at"))
        found = purses.filter(low).select_related("account", "merchant").select_for_update(of=("self",))
        told = list(found.order_by("pk"))
        Purse.objects.filter(pk__in=[row.pk for row in told]).update(low_since=at)
        outbox.publish([facts.PurseLow(row.merchant.code, row.account.available, row.low_at) for row in told], at)
    return len(told)


def warn_below(purse: Purse, points: int, *, actor: audit.Actor, at: dt.datetime) -> None:
    """Set the mark below which the merchant is told; 0 = never. Raises InvalidInput."""
    if points < 0:
        raise InvalidInput("The mark is a number of points, 0 or more.")
    with transaction.atomic():
        Purse.objects.filter(pk=purse.pk).update(low_at=points)
        audit.record(actor, "merchants.purses.warn_below", purse, f"Warn below {points} points", at)
        watch(at, purse)


def close(purse: Purse, *, reason: str, actor: audit.Actor, at: dt.datetime) -> None:
    """The merchant leaves (domain.md E61): its purse pays for nothing any more, and nothing returns to it.

    Points that members hold stay good; what is taken back from them goes to the platform (decision 0015).
    """
    with transaction.atomic():
        (account,) = ledger.lock([purse.account_id])
        if account.closed_at is None:
            Account.objects.filter(pk=account.pk).update(closed_at=at)
            audit.record(actor, "merchants.purses.close", purse, f"Purse of {purse.merchant} closed", at, reason=reason)
