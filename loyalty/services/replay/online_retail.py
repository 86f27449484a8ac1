"""UCI Online Retail: a year of invoices of one British shop, read as events (data/README.md).

One order per invoice, at the time of its first row. Rounding: a line's pence are quantity × price, half up on the line
total (four prices have three decimals). What is not goods sold to a customer is counted with its reason.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from loyalty.services.replay import envelopes, tables
from loyalty.services.replay.matching import Purchases
from loyalty.services.replay.tally import Tally

NAME = "online-retail"
SOURCE = "/replay/online-retail"
STORE = "online-retail"
UK = ZoneInfo("Europe/London")
# An invoice's rows may be a minute apart with another invoice's rows between them.
OPEN_FOR = dt.timedelta(minutes=10)
SOLD, CANCELLED = "sold", "cancelled"
FREIGHT = "freight"
NOT_GOODS = {
    "POST": FREIGHT,
    "DOT": FREIGHT,
    "C2": FREIGHT,
    "D": "discount",
    "M": "manual_entry",
    "S": "samples",
    "BANK CHARGES": "fee",
    "AMAZONFEE": "fee",
    "CRUK": "fee",
    "B": "bad_debt",
}


class Row(NamedTuple):
    """One row. `amount` is quantity × price in tenths of a penny."""

    invoice: str
    sku: str
    quantity: int
    time: str
    price: int
    customer: str

    @property
    def amount(self) -> int:
        return self.quantity * self.price


@dataclass(slots=True)
class Invoice:
    """Consecutive rows of one invoice number."""

    code: str
    customer: str
    time: dt.datetime
    rows: list[Row]

    @property
    def stream(self) -> str:
        return CANCELLED if self.code.startswith("C") else SOLD


class Reader:
    """Reads one CSV file, plain or gzipped; `events()` can be called again and gives the same."""

    def __init__(self, path: Path):
        self.path = path
        self._begin()

    def _begin(self) -> None:
        self.tally = Tally()
        self._bought = Purchases()
        self._position = lambda: 0

    def share(self) -> float:
        """How much of the file has been read, 0 to 1; for the progress bar."""
        return self._position() / max(self.path.stat().st_size, 1)

    def events(self) -> Iterator[dict]:
        """All events in time order."""
        self._begin()
        for invoice in invoices(self._rows()):
            if invoice.stream == CANCELLED:
                yield from self._refunds(invoice)
            else:
                yield from self._order(invoice)

    def _rows(self) -> Iterator[Row]:
        with self.path.open("rb") as raw:
            self._position = lambda: self.path.stat().st_size if raw.closed else raw.tell()
            for invoice, sku, _description, quantity, time, price, customer, *_country in tables.rows(raw):
                yield Row(invoice, sku, int(quantity), time, tenths_of_pence(price), customer)

    def _goods(self, invoice: Invoice) -> list[Row]:
        """The rows that count, after counting all others with their reason; freight rows are among them."""
        counted = []
        for row in invoice.rows:
            fate = ineligible(row, invoice.stream)
            if fate is None:
                counted.append(row)
            else:
                self.tally.count(invoice.stream, fate, row.quantity, row.amount)
        return counted

    def _order(self, invoice: Invoice) -> Iterator[dict]:
        lines, freight = [], 0
        rows = self._goods(invoice)
        has_goods = any(kind_of(row.sku) is None for row in rows)
        for row in rows:
            if kind_of(row.sku) == FREIGHT:
                self.tally.count(SOLD, FREIGHT if has_goods else "freight_without_goods", row.quantity, row.amount)
                freight += pence(row.amount)
                continue
            line = str(len(lines) + 1)
            lines.append(
                {"line": line, "sku": row.sku, "store": STORE, "quantity": row.quantity, "cash": pence(row.amount)}
            )
            self._bought.keep(invoice.customer, row.sku, invoice.code, line, row.quantity)
            self.tally.count(SOLD, "order_line", row.quantity, row.amount)
        if lines:
            data = {"order": invoice.code, "lines": lines, "freight": freight}
            yield self._seal(f"order-{invoice.code}", "order.completed", invoice, data)

    def _refunds(self, invoice: Invoice) -> Iterator[dict]:
        """One refund for each order that is touched, and one of an unknown order for what nobody ever bought."""
        parts: dict[str, dict[str, list[int]]] = {}
        for row in self._goods(invoice):
            if kind_of(row.sku) == FREIGHT:
                self.tally.count(CANCELLED, FREIGHT, row.quantity, row.amount)
                continue
            matches, rest = self._bought.take(invoice.customer, row.sku, -row.quantity)
            for order, line, quantity in matches:
                _add(parts.setdefault(order, {}), line, quantity, row.price)
            if rest:
                unknown = parts.setdefault(f"unknown-{invoice.code}", {})
                _add(unknown, str(len(unknown) + 1), rest, row.price)
            self._count_refund(row, -row.quantity - rest, rest)
        for order, lines in parts.items():
            data = {
                "order": order,
                "refund": invoice.code,
                "reason": "no_reason",
                "cash": sum(pence(tenths) for _quantity, tenths in lines.values()),
                "lines": [{"line": line, "quantity": quantity} for line, (quantity, _tenths) in lines.items()],
            }
            yield self._seal(f"refund-{invoice.code}-{order}", "order.refunded", invoice, data)

    def _count_refund(self, row: Row, matched: int, rest: int) -> None:
        if matched:
            self.tally.count(CANCELLED, "refund_line", -matched, -matched * row.price)
        if rest:
            self.tally.count(CANCELLED, "refund_of_unknown_order", -rest, -rest * row.price, rows=0 if matched else 1)

    def _seal(self, event_id: str, event_type: str, invoice: Invoice, data: dict) -> dict:
        return envelopes.seal(SOURCE, event_id, event_type, invoice.customer, invoice.time, data)


def _add(lines: dict[str, list[int]], line: str, quantity: int, price: int) -> None:
    """Two rows of a return may fall on the same line of an order: they are one part of the refund."""
    part = lines.setdefault(line, [0, 0])
    part[0] += quantity
    part[1] += quantity * price


def invoices(rows: Iterator[Row]) -> Iterator[Invoice]:
    """Rows, gathered to invoices in the order of their first row."""
    opened: dict[str, Invoice] = {}
    clock, now = "", dt.datetime.min.replace(tzinfo=dt.UTC)
    for row in rows:
        if row.time != clock:
            clock, now = row.time, utc(row.time)
            while opened and now - (first := next(iter(opened.values()))).time > OPEN_FOR:
                yield opened.pop(first.code)
        invoice = opened.get(row.invoice)
        if invoice is None:
            opened[row.invoice] = Invoice(row.invoice, row.customer, now, [row])
        else:
            invoice.rows.append(row)
    yield from opened.values()


def ineligible(row: Row, stream: str) -> str | None:
    """Why a row neither earns nor takes back anything; None if it does, or if it is freight."""
    if row.invoice.startswith("A"):
        return "bad_debt"
    if not row.customer:
        return "guest"
    if row.price <= 0:
        return "free_of_charge"
    if (row.quantity < 0) != (stream == CANCELLED) or not row.quantity:
        return "stock_correction"
    kind = kind_of(row.sku)
    return None if kind == FREIGHT else kind


def kind_of(sku: str) -> str | None:
    """None for goods; else what the service code stands for. Gift vouchers are money, not goods: they earn nothing."""
    if sku.startswith("gift_"):
        return "gift_voucher"
    return NOT_GOODS.get(sku.upper())


def utc(time: str) -> dt.datetime:
    """The shop's wall clock (UK) in UTC; of a doubled hour in autumn, the first."""
    return dt.datetime.fromisoformat(time).replace(tzinfo=UK).astimezone(dt.UTC)


def tenths_of_pence(price: str) -> int:
    """Pounds with up to three decimals as whole tenths of a penny, exactly."""
    whole, _point, fraction = price.partition(".")
    if len(fraction) > 3:
        raise ValueError(f"more than three decimals: {price}")
    sign = -1 if whole.startswith("-") else 1
    return int(whole) * 1000 + sign * int(fraction.ljust(3, "0"))


def pence(tenths: int) -> int:
    """Tenths of a penny to whole pence, half up."""
    return (tenths + 5) // 10
