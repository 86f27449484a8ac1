"""The shelf: the lots of a journal's accounts, read when they are needed, each of them one object."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db import models

from common import sql
from common.prepared import prepared
from loyalty.models.accounts import Account
from loyalty.models.entries import Entry
from loyalty.models.lots import Draw, Lot
from loyalty.services.journal import Cut, Journal, Kind


@dataclass(slots=True)
class Portion:
    """So many points of one lot."""

    lot: Lot
    points: int


class Shelf(Journal):
    """A journal that knows its accounts' lots and what is drawn from them."""

    def __init__(self, accounts: Iterable[Account], at: dt.datetime):
        super().__init__(accounts, at)
        self._lots: dict[int, dict[int, Lot]] = defaultdict(dict)
        self._loaded: set[int] = set()
        self._new_lots: dict[int, list[Lot]] = defaultdict(list)
        self._changed_lots: dict[int, Lot] = {}

    # Reading ------------------------------------------------------------------------------------------------

    def adopt(self, lots: Iterable[Lot]) -> list[Lot]:
        """Lots the caller has read, as this book's own objects: each lot is one object in a book."""
        return [self._lots[lot.account_id].setdefault(lot.lot_seq, lot) for lot in lots]

    def load_lots(self, account_ids: Collection[int]) -> None:
        """Read the open lots of many accounts in one query."""
        wanted = set(account_ids) - self._loaded
        if wanted:
            self.adopt(_open(*wanted))
            self._loaded |= wanted

    def lots(self, account_id: int) -> list[Lot]:
        """The open lots of an account, soonest-expiring first (F7), pending ones included."""
        self.load_lots([account_id])
        lots = (lot for lot in self._lots[account_id].values() if lot.remaining)
        return sorted(lots, key=lambda lot: (lot.expires_at, lot.lot_seq))

    def spendable(self, account_id: int) -> list[Lot]:
        """The lots that can be spent now, soonest-expiring first."""
        return [lot for lot in self.lots(account_id) if not lot.is_pending and lot.expires_at > self.at]

    def lots_by_seq(self, account_id: int, numbers: Collection[int]) -> dict[int, Lot]:
        """Lots of an account by number, open or not."""
        known = self._lots[account_id]
        missing = [number for number in numbers if number not in known]
        if missing:
            self.adopt(Lot.objects.filter(account_id=account_id, lot_seq__in=missing))
        return {number: known[number] for number in numbers}

    def lots_for(self, account_ids: Collection[int], field: str, rows: Sequence[models.Model]) -> list[Lot]:
        """The lots that were granted for some rows (order lines, a review), open or not, in the order of their grant."""
        saved = [row.pk for row in rows if row.pk]
        lots = [lot for account_id in account_ids for lot in self._new_lots[account_id] if getattr(lot, field) in rows]
        if saved:
            lots += self.adopt(Lot.objects.filter(account_id__in=account_ids, **{f"{field}__in": saved}))
        return sorted(lots, key=lambda lot: lot.lot_seq)

    def drawn(self, account_id: int, seq: int) -> list[Portion]:
        """What the entry `seq` took, lot by lot, in the order it took it (soonest-expiring first)."""
        draws = Draw.objects.filter(account_id=account_id, seq=seq).values_list("lot_seq", "points")
        points = dict(draws)
        unsaved = {
            draw.lot_seq: draw.points for draw in self._draws if draw.account_id == account_id and draw.seq == seq
        }
        lots = self.lots_by_seq(account_id, points.keys() | unsaved.keys())
        points.update(unsaved)
        ordered = sorted(points, key=lambda number: (lots[number].expires_at, number))
        return [Portion(lots[number], points[number]) for number in ordered]

    def expired(self, account_id: int, lots: Sequence[Lot]) -> int:
        """How many points of some lots have expired unspent. No query if none of them has come to its end."""
        numbers = {lot.lot_seq for lot in lots if lot.expires_at <= self.at}
        if not numbers:
            return 0
        written = Draw.objects.filter(account_id=account_id, lot_seq__in=numbers).values_list("seq", "points")
        draws = [
            *written,
            *((d.seq, d.points) for d in self._draws if d.account_id == account_id and d.lot_seq in numbers),
        ]
        expiries = Entry.objects.filter(
            account_id=account_id, seq__in=[seq for seq, _points in draws], kind=Kind.EXPIRE
        )
        expired = set(expiries.values_list("seq", flat=True))
        expired.update(e.seq for e in self._entries if e.account_id == account_id and e.kind == Kind.EXPIRE)
        return sum(points for seq, points in draws if seq in expired)

    def portions(self, lots: Iterable[Lot], points: int) -> list[Portion]:
        """Cut up to `points` from lots in their order."""
        cut = []
        for lot in lots:
            if points <= 0:
                break
            part = min(points, lot.remaining)
            cut.append(Portion(lot, part))
            points -= part
        return cut

    def whole(self, account_id: int) -> list[Portion]:
        """Everything that is left in the account's open lots."""
        return [Portion(lot, lot.remaining) for lot in self.lots(account_id)]

    # Writing ------------------------------------------------------------------------------------------------

    def _put(self, lot: Lot) -> None:
        """A new lot takes its place among the account's others."""
        self._new_lots[lot.account_id].append(lot)
        self._lots[lot.account_id][lot.lot_seq] = lot

    def _draw(self, account: Account, seq: int, lot: Lot, points: int) -> None:
        lot.remaining -= points
        lot.is_open = lot.remaining > 0
        self._touch(lot)
        self._draws.append(Cut(account.pk, seq, lot.lot_seq, points))

    def _touch(self, lot: Lot) -> None:
        if lot.pk:
            self._changed_lots[lot.pk] = lot

    def close(self) -> None:
        super().close()
        if self._changed_lots:
            sql.update_rows(list(self._changed_lots.values()), ["remaining", "is_open", "is_pending"])
        self._insert_lots()

    def _insert_lots(self) -> None:
        """A lot that came from another new one is inserted after it; that takes a chain of merges."""
        waiting = [lot for lots in self._new_lots.values() for lot in lots]
        while waiting:
            ready = [lot for lot in waiting if lot.parent_id or lot.parent is None or lot.parent.pk]
            sql.insert(ready)
            waiting = [lot for lot in waiting if lot.pk is None]


@prepared
def _open(*account_ids: int) -> models.QuerySet[Lot]:
    return Lot.objects.filter(account__pk__in=account_ids, is_open=True).order_by()
