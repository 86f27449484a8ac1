"""What became of points in a month, by issuer and redeemer (domain.md F16): read from draws, tenders and refunds.

Used by the settlement in chunks of accounts, a fixed number of queries each; nothing is written.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from django.db import connection

from common import clock
from loyalty.models import Draw, Entry, Hold, Lot, Order, OrderLine, Refund, RefundLine
from merchants.models import Purse, SettlementCell, Store
from merchants.selectors import northwest

Kind, Contra, Unit = Entry.Kind, Entry.Contra, Entry.Unit
Days = tuple[dt.date, dt.date]
Portions = list[tuple[Lot, int]]
Key = tuple[int, int]
"""An account and the number of an entry."""


class Cell(NamedTuple):
    """Whose points, at whose store (ids of merchants, None is the platform), and how they were used."""

    issuer: int | None
    redeemer: int | None
    kind: str


def of_accounts(first: int, last: int, days: Days) -> dict[Cell, int]:
    """Points by cell of what the accounts first … last did from one day until before the other; cells of nought left out."""
    span = _Span(first, last, days)
    cells: Counter[Cell] = Counter()
    for found in (span.tenders(), span.refunds(), span.restores(), span.rest()):
        for cell, points in found:
            cells[cell] += points
    return {cell: points for cell, points in cells.items() if points}


class _Span:
    def __init__(self, first: int, last: int, days: Days):
        self.accounts = {"account_id__gte": first, "account_id__lte": last}
        self.owners = {"member__wallet__account_id__gte": first, "member__wallet__account_id__lte": last}
        self.days = days
        self.posted = {"posted_on__gte": days[0], "posted_on__lt": days[1]}
        self.instants = (clock.day_start(days[0]), clock.day_start(days[1]))
        self.merchants: dict[int, Purse] = {purse.account_id: purse for purse in Purse.objects.all()}
        self.stores: dict[str, int] = dict(Store.objects.values_list("code", "merchant_id"))

    def tenders(self) -> Iterable[tuple[Cell, int]]:
        """Points that left the ledger: on the lines of an order, else at the platform (rewards, holds without an order)."""
        spent = Entry.objects.filter(
            kind=Kind.REDEEM, unit=Unit.POINTS, contra=Contra.REDEEMED, **self.accounts, **self.posted
        )
        start, end = self.instants
        captured = Hold.objects.filter(
            status=Hold.Status.CAPTURED, closed_at__gte=start, closed_at__lt=end, **self.accounts
        )
        keys = {*spent.values_list("account_id", "seq"), *captured.values_list("account_id", "seq")}
        if not keys:
            return
        orders = self._orders(Order.objects.filter(tender_seq__in={seq for _account, seq in keys}, **self.owners))
        lines = _lines([order for key, order in orders.items() if key in keys])
        for key, portions in self._drawn(keys).items():
            order = orders.get(key)
            if order is None:
                for lot, points in portions:
                    yield Cell(self._issuer(lot), None, SettlementCell.Kind.REDEEMED), points
                continue
            shares = northwest.shares(
                [(line.store_code, line.points) for line in lines[order.pk]], order.points, order.points_taken
            )
            for lot, store, points in northwest.pieces(portions, shares):
                yield Cell(self._issuer(lot), self.stores.get(store), SettlementCell.Kind.REDEEMED), points

    def refunds(self) -> Iterable[tuple[Cell, int]]:
        """What refunds gave back of tenders, last drawn first, on the lines they were for; lost points have expired."""
        start, end = self.instants
        owners = {f"order__{path}": value for path, value in self.owners.items()}
        refunds = list(
            Refund.objects.filter(at__gte=start, at__lt=end, order__tender_seq__isnull=False, **owners)
            .exclude(restored=0, not_restored=0)
            .order_by("pk")
        )
        if not refunds:
            return
        orders = self._orders(Order.objects.filter(pk__in={refund.order_id for refund in refunds}))
        by_id = {order.pk: (key, order) for key, order in orders.items()}
        drawn = self._drawn(orders.keys())
        parts: dict[int, list[tuple[int, str, int]]] = defaultdict(list)
        told = RefundLine.objects.filter(refund__order__in=by_id).order_by("refund_id", "pk")
        for order_id, refund_id, store, points in told.values_list(
            "refund__order_id", "refund_id", "line__store_code", "points"
        ):
            parts[order_id].append((refund_id, store, points))
        for refund in refunds:
            key, order = by_id[refund.order_id]
            before = sum(points for other, _store, points in parts[order.pk] if other < refund.pk)
            own = [(store, points) for other, store, points in parts[order.pk] if other == refund.pk]
            shares = northwest.shares(own, order.points, order.points_taken, before)
            from_ = order.points_taken * before // order.points
            until = from_ + sum(points for _store, points in shares)
            backwards = northwest.between(list(reversed(drawn.get(key, []))), from_, until)
            for lot, store, points in northwest.pieces(backwards, shares):
                yield Cell(self._issuer(lot), self.stores.get(store), SettlementCell.Kind.GIVEN_BACK), -points
                if refund.not_restored and lot.expires_at <= refund.at:
                    yield from self._expired(lot.funder_id, points)

    def restores(self) -> Iterable[tuple[Cell, int]]:
        """What came back of points that were spent on something that is no order."""
        entries = Entry.objects.filter(kind=Kind.RESTORE, contra=Contra.REDEEMED, **self.accounts, **self.posted)
        keys = set(entries.exclude(reference__startswith="order:").values_list("account_id", "seq"))
        if not keys:
            return
        granted = Lot.objects.filter(lot_seq__in={seq for _account, seq in keys}, **self.accounts)
        portions = [(lot, lot.earned) for lot in granted if (lot.account_id, lot.lot_seq) in keys]
        portions += [(lot, -points) for drawn in self._drawn(keys).values() for lot, points in drawn]
        for lot, points in portions:
            yield Cell(self._issuer(lot), None, SettlementCell.Kind.GIVEN_BACK), -points

    def rest(self) -> Iterable[tuple[Cell, int]]:
        """Funded points that expired, repaid a debt, were fined, corrected or taken back by the platform. One query."""
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT l.funder_id, e.contra, SUM(d.points)
                FROM loyalty_entry e
                JOIN loyalty_draw d ON d.account_id = e.account_id AND d.seq = e.seq
                JOIN loyalty_lot l ON l.account_id = d.account_id AND l.lot_seq = d.lot_seq
                WHERE e.account_id BETWEEN %s AND %s AND e.posted_on >= %s AND e.posted_on < %s
                  AND e.contra IN ('expired', 'adjusted', 'debt', 'clawed_back') AND l.funder_id IS NOT NULL
                GROUP BY l.funder_id, e.contra
                """,
                [*self.accounts.values(), *self.days],
            )
            for funder, contra, points in cursor.fetchall():
                if contra == Contra.EXPIRED:
                    yield from self._expired(funder, int(points))
                elif funder in self.merchants:
                    yield Cell(self.merchants[funder].pk, None, SettlementCell.Kind.OTHER), int(points)

    def _expired(self, funder_id: int | None, points: int) -> Iterable[tuple[Cell, int]]:
        """Breakage belongs to whom the contract says; the platform's own is nobody else's business."""
        purse = self.merchants.get(funder_id or 0)
        if purse is not None:
            keeps = purse.pk if purse.breakage == Purse.Breakage.MERCHANT else None
            yield Cell(purse.pk, keeps, SettlementCell.Kind.EXPIRED), points

    def _issuer(self, lot: Lot) -> int | None:
        purse = self.merchants.get(lot.funder_id or 0)
        return purse.pk if purse else None

    def _orders(self, orders) -> dict[Key, Order]:
        """Orders by the entry of their tender."""
        return {
            (order.member.wallet.account_id, order.tender_seq or 0): order
            for order in orders.select_related("member__wallet")
        }

    def _drawn(self, keys: Collection[Key]) -> dict[Key, Portions]:
        """What entries took, lot by lot, in the order they took it (soonest-expiring first). Two queries."""
        draws = [
            (account, seq, lot_seq, points)
            for account, seq, lot_seq, points in Draw.objects.filter(
                seq__in={seq for _account, seq in keys}, **self.accounts
            ).values_list("account_id", "seq", "lot_seq", "points")
            if (account, seq) in keys
        ]
        lots = {
            (lot.account_id, lot.lot_seq): lot
            for lot in Lot.objects.filter(lot_seq__in={draw[2] for draw in draws}, **self.accounts)
        }
        found: dict[Key, Portions] = defaultdict(list)
        for account, seq, lot_seq, points in draws:
            found[account, seq].append((lots[account, lot_seq], points))
        for portions in found.values():
            portions.sort(key=lambda portion: (portion[0].expires_at, portion[0].lot_seq))
        return found


def _lines(orders: Sequence[Order]) -> dict[int, list[OrderLine]]:
    lines: dict[int, list[OrderLine]] = defaultdict(list)
    for line in OrderLine.objects.filter(order__in=orders).order_by("pk"):
        lines[line.order_id].append(line)
    return lines
