"""Pockets: points that a merchant's campaign has set aside from the purse before it gives them (reserve before issue, F16).

A pocket is a ledger account of its own, so a campaign that gives does not wait for the purse. A popular campaign has its
points in several pockets ("slots"): who gives takes one that nobody holds, so orders at once do not queue (ledger.md).
Lots in pockets keep the purse as their funder, and what is not given goes back to the very lots it came from.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection

from django.db import transaction

from loyalty.models import Account, Lot
from loyalty.services import ledger
from loyalty.services.ledger import Book, Contra, InsufficientPoints, Kind, Portion
from merchants.models import Pocket, Purse
from merchants.services import purses


@transaction.atomic
def open(purse: Purse, points: int, *, slots: int = 1, reference: str, at: dt.datetime) -> list[Account]:
    """Set `points` > 0 of the purse aside in `slots` pockets of equal size (the first ones hold the rest, one more each).

    Raises InsufficientPoints and changes nothing if the purse has fewer, or is closed.
    """
    pockets = [Account.objects.create(kind=Account.Kind.POCKET) for _slot in range(slots)]
    Pocket.objects.bulk_create([Pocket(account=pocket, purse=purse, reference=reference) for pocket in pockets])
    fill(purse, [pocket.pk for pocket in pockets], points, reference=reference, at=at)
    return pockets


@transaction.atomic
def fill(purse: Purse, account_ids: Collection[int], points: int, *, reference: str, at: dt.datetime) -> None:
    """Move further `points` > 0 from the purse into its pockets, shared equally. Raises InsufficientPoints."""
    with ledger.open_book([purse.account_id, *account_ids], at) as book:
        book.settle(purse.account_id)
        if book.accounts[purse.account_id].closed_at:
            raise InsufficientPoints(missing=points)
        book.require(purse.account_id, points)
        pockets = sorted(account_ids)
        each, more = divmod(points, len(pockets))
        for place, pocket in enumerate(pockets):
            if share := each + (place < more):
                portions = book.portions(book.spendable(purse.account_id), share)
                book.move(purse.account_id, pocket, portions, source=Lot.Source.CAMPAIGN, reference=reference)
    purses.watch(at, purse)


def give(
    book: Book,
    account_ids: Collection[int],
    wallet_id: int,
    points: int,
    *,
    reference: str,
    expires_at: dt.datetime,
    source: str = Lot.Source.CAMPAIGN,
    **origin,
) -> Lot:
    """Give `points` > 0 from pockets to a wallet that the book holds; the soonest-expiring bought points go first.

    The caller publishes PointsEarned with the same reference, as for every earning.
    Raises InsufficientPoints and moves nothing if all pockets together have fewer. Call it as late as possible: pockets
    are locked here, after everything else. Who gives to many in one book locks all pockets first (`lock`).
    """
    pocket = _pocket(book, account_ids, wallet_id, points, reference)
    _seq, portions = book.take(
        pocket, points, kind=Kind.TRANSFER, contra=Contra.HOLDER, contra_account_id=wallet_id, reference=reference
    )
    return book.grant(
        wallet_id,
        points,
        contra=Contra.HOLDER,
        contra_account_id=pocket,
        source=source,
        reference=reference,
        expires_at=expires_at,
        funder_id=portions[0].lot.funder_id,
        **origin,
    )


def lock(book: Book, account_ids: Collection[int]) -> None:
    """Take all pockets into the book, in id order; nothing for those it has."""
    missing = set(account_ids) - book.accounts.keys()
    if missing:
        book.include(ledger.lock(missing))


def left(account_ids: Collection[int]) -> int:
    """Points in pockets together, as a guess without a lock: a campaign with none is over."""
    return sum(Account.objects.filter(pk__in=account_ids).values_list("available", flat=True))


def _pocket(book: Book, account_ids: Collection[int], wallet_id: int, points: int, reference: str) -> int:
    """A locked pocket with enough: one of the book's, one that nobody holds, else all of them are waited for and emptied
    into the first. Who holds one pocket never waits for another, so gives at once cannot deadlock."""
    held = sorted(set(account_ids) & book.accounts.keys())
    if not held:
        book.include(_free(account_ids, points) or _waited_for(account_ids, points, turn=wallet_id))
        held = sorted(set(account_ids) & book.accounts.keys())
    for pocket in held:
        book.settle(pocket)
        if book.accounts[pocket].available >= points:
            return pocket
    lock(book, account_ids)
    first, *others = sorted(account_ids)
    for pocket in (first, *others):
        book.settle(pocket)
        if book.accounts[pocket].available >= points:
            return pocket
    total = sum(book.accounts[pocket].available for pocket in (first, *others))
    if total < points:
        raise InsufficientPoints(missing=points - total)
    for pocket in others:
        portions = book.portions(book.spendable(pocket), points - book.accounts[first].available)
        book.move(pocket, first, portions, source=Lot.Source.CAMPAIGN, reference=reference)
    return first


def _free(account_ids: Collection[int], points: int) -> list[Account]:
    """A pocket with enough that nobody holds, locked; none if all are busy.

    A pocket that was just emptied is locked before the database sees that it has too little: let go with the savepoint.
    """
    free = Account.objects.select_for_update(skip_locked=True).filter(pk__in=account_ids, available__gte=points)
    try:
        with transaction.atomic():
            found = list(free.order_by("pk")[:1])
            if not found:
                raise _TooLittle
    except _TooLittle:
        return []
    return found


def _waited_for(account_ids: Collection[int], points: int, *, turn: int) -> list[Account]:
    """A busy pocket that seems to have enough, waited for; none if it has too little by then.

    What was locked in vain is let go with the savepoint, so who goes on to take all pockets holds none of them.
    """
    likely = (
        Account.objects.filter(pk__in=account_ids, available__gte=points).order_by("pk").values_list("pk", flat=True)
    )
    busy = list(likely)
    if not busy:
        return []
    try:
        with transaction.atomic():
            (pocket,) = ledger.lock([busy[turn % len(busy)]])
            if pocket.available < points:
                raise _TooLittle
    except _TooLittle:
        return []
    return [pocket]


class _TooLittle(Exception):
    """Lets go of pockets that were locked in vain."""


@transaction.atomic
def close(purse: Purse, account_ids: Collection[int], *, reference: str, at: dt.datetime) -> int:
    """Move what is left in pockets back to the lots of the purse it came from; return how many points. Repeatable."""
    returned = 0
    with ledger.open_book([purse.account_id, *account_ids], at) as book:
        # Nothing goes back to a lot that has expired meanwhile: both sides see the same time.
        for account_id in (purse.account_id, *sorted(account_ids)):
            book.settle(account_id)
        book.load_lots(account_ids)
        for pocket in sorted(account_ids):
            portions = book.whole(pocket)
            holder = {"kind": Kind.TRANSFER, "contra": Contra.HOLDER, "reference": reference}
            book.take_from(pocket, portions, contra_account_id=purse.account_id, **holder)
            book.put_back(purse.account_id, _origins(book, purse, portions), contra_account_id=pocket, **holder)
            returned += sum(portion.points for portion in portions)
    purses.watch(at, purse)
    return returned


def _origins(book: Book, purse: Purse, portions: Collection[Portion]) -> list[Portion]:
    """The purse's lots that portions of pockets came from, each once."""
    points: dict[int, int] = defaultdict(int)
    for portion in portions:
        lot = portion.lot
        while lot.account_id != purse.account_id:
            assert lot.parent is not None
            lot = lot.parent
        points[lot.lot_seq] += portion.points
    lots = book.lots_by_seq(purse.account_id, points.keys())
    return [Portion(lots[number], points[number]) for number in sorted(points)]
