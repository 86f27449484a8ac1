"""What time does to accounts, done for many of them at once: holds lapse, lots mature and expire (Book.settle)."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable

from django.db import transaction

from common.services import outbox
from loyalty import facts
from loyalty.models.entries import Entry
from loyalty.models.wallets import Wallet
from loyalty.services import ledger
from loyalty.services.journal import Posting
from loyalty.services.ledger import Book

Kind, Unit = Entry.Kind, Entry.Unit

_COUNTED: dict[tuple[str, str], str] = {
    (Kind.RELEASE, Unit.HELD): "lapsed",
    (Kind.MATURE, Unit.PENDING): "matured",
    (Kind.EXPIRE, Unit.POINTS): "expired",
    (Kind.EXPIRE, Unit.PENDING): "expired",
    (Kind.REPAY, Unit.POINTS): "repaid",
}


@transaction.atomic
def settle(account_ids: Collection[int], at: dt.datetime) -> dict[str, int]:
    """Bring accounts up to `at` and publish what happened; return points lapsed, matured, expired and repaid."""
    with ledger.open_book(account_ids, at) as book:
        book.load_lots(account_ids)
        for account_id in account_ids:
            book.settle(account_id)
    outbox.publish(passed(book), at)
    return _counts(book.entries)


def passed(book: Book) -> list[facts.PointsExpired | facts.HoldLapsed]:
    """What members are told of what time did in a book, by a job or on the way of something else; a purse has no member.

    One query if anything expired or lapsed, else none.
    """
    expired = [entry for entry in book.entries if entry.kind == Kind.EXPIRE]
    account_ids = {entry.account_id for entry in expired} | {hold.account_id for hold in book.lapsed}
    if not account_ids:
        return []
    names = dict(Wallet.objects.filter(account__in=account_ids).values_list("account_id", "member__external_id"))
    told: list[facts.PointsExpired | facts.HoldLapsed] = [
        facts.HoldLapsed(names[hold.account_id], str(hold.uuid), hold.points)
        for hold in book.lapsed
        if hold.account_id in names
    ]
    told += [
        facts.PointsExpired(names[entry.account_id], -entry.delta, entry.reference)
        for entry in expired
        if entry.account_id in names
    ]
    return told


def _counts(entries: Iterable[Posting]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for entry in entries:
        if word := _COUNTED.get((entry.kind, entry.unit)):
            counts[word] -= entry.delta
    return dict(counts)
