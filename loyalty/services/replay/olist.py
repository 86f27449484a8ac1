"""A sample of Olist's Brazilian marketplace, a folder of tables, read as events (data/README.md).

A person is `customer_unique_id`. An order completes when it was delivered; one that was paid and then cancelled (or
found unavailable) is paid and cancelled. The file does not say when: on the day the delivery was promised for, or at
the order's last known step if that was later. Vouchers pay for goods first, then for freight.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from common import clock
from loyalty.services import allocation
from loyalty.services.replay import envelopes, tables
from loyalty.services.replay.tally import Tally

NAME = "olist"
SOURCE = "/replay/olist"
BRAZIL = ZoneInfo("America/Sao_Paulo")
CALLED_OFF = ("canceled", "unavailable")
PAID, COMPLETED, CANCELLED, REVIEWED = range(4)


@dataclass(slots=True)
class Line:
    """All units of one product from one seller in an order; centavos."""

    sku: str
    store: str
    quantity: int = 0
    price: int = 0


@dataclass(slots=True)
class Order:
    """What the tables say of one order; times are local texts, empty when there was no such step."""

    code: str
    customer: str
    status: str
    purchased: str
    approved: str
    shipped: str
    delivered: str
    promised: str
    freight: int = 0
    voucher: int = 0
    lines: dict[tuple[str, str], Line] = field(default_factory=dict)

    @property
    def price(self) -> int:
        return sum(line.price for line in self.lines.values())

    @property
    def units(self) -> int:
        return sum(line.quantity for line in self.lines.values())

    def cancelled(self) -> str:
        """When it was called off, as far as can be said."""
        return max(self.promised, self.approved, self.shipped, self.delivered)


class Reader:
    """Reads a folder of tables; `events()` can be called again and gives the same."""

    def __init__(self, path: Path):
        self.path = path
        self.tally = Tally()
        self._told = 0
        self._all = 1

    def share(self) -> float:
        """How many of the events have been told, 0 to 1; for the progress bar."""
        return self._told / self._all

    def events(self) -> Iterator[dict]:
        """All events in time order."""
        self.tally, self._told = Tally(), 0
        self._categories = dict(self._products())
        self._orders = self._load()
        steps = sorted(self._steps())
        self._all = max(len(steps), 1)
        for time, kind, code, review in steps:
            self._told += 1
            yield self._tell(kind, self._orders[code], utc(time), review)

    def _load(self) -> dict[str, Order]:
        people = {row[0]: row[1] for row in tables.load(self.path, "customers")}
        orders = {}
        for code, customer, *steps in tables.load(self.path, "orders"):
            status, purchased, approved, shipped, delivered, promised = steps
            orders[code] = Order(code, people[customer], status, purchased, approved, shipped, delivered, promised)
        items = sorted(tables.load(self.path, "items"), key=lambda row: (row[0], int(row[1])))
        for code, _unit, sku, store, _limit, price, freight in items:
            order = orders[code]
            line = order.lines.setdefault((sku, store), Line(sku, store))
            line.quantity += 1
            line.price += cents(price)
            order.freight += cents(freight)
        for code, _number, kind, _instalments, value in tables.load(self.path, "payments"):
            if kind == "voucher":
                orders[code].voucher += cents(value)
        return orders

    def _products(self) -> Iterator[tuple[str, str]]:
        """Products with their category in English; a category without a translation keeps its own name."""
        english = dict(tables.load(self.path, "category_translation"))
        for product, category, *_measures in tables.load(self.path, "products"):
            yield product, english.get(category, category)

    def _steps(self) -> Iterator[tuple[str, int, str, str]]:
        """(local time, kind, order, review) for everything that is told; what is not is counted."""
        for order in self._orders.values():
            fate, steps = fate_of(order)
            self.tally.count("orders", fate, order.units, order.price * 10)
            for kind, time in steps:
                yield time, kind, order.code, ""
        for review, code, _score, _created, answered in tables.load(self.path, "reviews"):
            fate = "review_approved" if self._orders[code].lines else "order_without_items"
            self.tally.count("reviews", fate)
            if self._orders[code].lines:
                yield answered, REVIEWED, code, review

    def _tell(self, kind: int, order: Order, time: dt.datetime, review: str) -> dict:
        if kind == REVIEWED:
            # The same review may be about several orders: its code names both. It speaks of the order's first product.
            data = {"review": f"{review}-{order.code}", "order": order.code, "line": "1", "photos": 0}
            return self._seal(f"review-{review}-{order.code}", "review.approved", order, time, data)
        if kind == CANCELLED:
            return self._seal(f"cancel-{order.code}", "order.cancelled", order, time, {"order": order.code})
        event_type = "order.paid" if kind == PAID else "order.completed"
        return self._seal(f"{event_type}-{order.code}", event_type, order, time, self._content(order, time))

    def _content(self, order: Order, time: dt.datetime) -> dict:
        by_voucher = min(order.voucher, order.price)
        shares = allocation.largest_remainder(by_voucher, [line.price for line in order.lines.values()])
        return {
            "order": order.code,
            "paid_at": clock.written(min(utc(order.approved or order.purchased), time)),
            "freight": order.freight,
            "lines": [
                {
                    "line": str(number),
                    "sku": line.sku,
                    "category": self._categories[line.sku],
                    "store": line.store,
                    "quantity": line.quantity,
                    "cash": line.price - share,
                    "discount": share,
                }
                for number, (line, share) in enumerate(zip(order.lines.values(), shares, strict=True), 1)
            ],
        }

    def _seal(self, event_id: str, event_type: str, order: Order, time: dt.datetime, data: dict) -> dict:
        return envelopes.seal(SOURCE, event_id, event_type, order.customer, time, data)


def fate_of(order: Order) -> tuple[str, list[tuple[int, str]]]:
    """What is told of an order: a word for the tally, and its steps with their local times."""
    completed = [(COMPLETED, order.delivered)] if order.delivered else []
    if order.status in CALLED_OFF:
        if not order.approved:
            return "never_paid", []
        if not order.lines:
            return "order_without_items", []
        return "paid_and_cancelled", [(PAID, order.approved), *completed, (CANCELLED, order.cancelled())]
    if order.status != "delivered":
        return f"not_delivered_{order.status}", []
    return ("completed", completed) if completed else ("delivered_without_date", [])


def utc(time: str) -> dt.datetime:
    """Brazil's wall clock (the file names no zone) in UTC; of a doubled hour, the first."""
    return dt.datetime.fromisoformat(time).replace(tzinfo=BRAZIL).astimezone(dt.UTC)


def cents(price: str) -> int:
    """Reais with at most two decimals as centavos, exactly."""
    whole, _point, fraction = price.partition(".")
    if len(fraction) > 2:
        raise ValueError(f"more than two decimals: {price}")
    return int(whole) * 100 + int(fraction.ljust(2, "0"))
