"""An order as the services handle it: the row, its lines, its refunds, what waits for it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from common import clock
from loyalty.models import GrowthEntry, Lot, Order, OrderLine, ParkedEvent, Refund, Wallet
from loyalty.services import wallets
from loyalty.services.occasions import Facts, Item, Occasion


@dataclass(slots=True)
class OrderFile:
    """One order with everything that hangs on it; `account_id` is where its points were tendered and earned."""

    order: Order
    account_id: int
    lines: list[OrderLine] = field(default_factory=list)
    parked: list[ParkedEvent] = field(default_factory=list)
    refunds: dict[str, Refund] = field(default_factory=dict)
    lots: list[Lot] | None = None
    growth: GrowthEntry | None = None

    @property
    def earned_at(self) -> dt.datetime:
        """When the order completed, which is when it earned."""
        assert self.order.completed_at is not None, "an order that has not completed has earned nothing"
        return self.order.completed_at

    def line(self, number: str) -> OrderLine | None:
        return next((line for line in self.lines if line.number == number), None)

    def is_of(self, wallet: Wallet) -> bool:
        """Whether the order is the wallet's member's own, or that of a member who was merged into it."""
        return wallets.stands_for(wallet, self.order.member)

    def kept(self) -> list[Item]:
        """The lines as the rules see them: the cash that was not given back."""
        new_categories = set(self.order.context.get("new_categories", ()))
        return [_item(line, new_categories) for line in self.lines if _is_kept(line)]

    def occasion(self, facts: Facts, at: dt.datetime) -> Occasion:
        """The completion of this order, as rules are told of it."""
        return Occasion(
            type="order.completed",
            at=at,
            local=clock.local(at),
            facts=facts,
            channel=self.order.channel,
            attributes=self.order.attributes,
            items=self.kept(),
        )

    def remember(self, facts: Facts) -> None:
        """Keep what the rules were told, so that a refund re-tests the same facts (F11)."""
        known = ((name, getattr(facts, name)) for name in Facts.__slots__)
        self.order.context = {name: value for name, value in known if value not in ("", (), [], {}, 0, False)}

    def remembered(self) -> Facts:
        return Facts(**({"manual": False} | self.order.context))


def _is_kept(line: OrderLine) -> bool:
    has_cash = line.cash > line.refunded_cash or not line.cash
    return has_cash and line.refunded_quantity < line.quantity


def _item(line: OrderLine, new_categories: Collection[str]) -> Item:
    return Item(
        number=line.number,
        sku=line.sku,
        category=line.category,
        store=line.store_code,
        quantity=max(line.quantity - line.refunded_quantity, 1),
        cash=line.cash - line.refunded_cash,
        virtual=line.is_virtual,
        new_category=line.category in new_categories,
        attributes=line.attributes,
    )


def load(codes: Collection[str]) -> dict[str, OrderFile]:
    """Lock orders by code and read what hangs on them: one query if there is none of them, else four."""
    orders = list(
        Order.objects.select_for_update(of=("self",))
        .select_related("member__wallet")
        .filter(code__in=sorted(codes))
        .order_by("pk")
    )
    files = {order.pk: OrderFile(order, order.member.wallet.account_id) for order in orders}
    if files:
        _attach(files)
    return {file.order.code: file for file in files.values()}


def _attach(files: dict[int, OrderFile]) -> None:
    lines = defaultdict(list)
    for line in OrderLine.objects.filter(order__in=files).order_by("pk"):
        lines[line.order_id].append(line)
    for order_id, file in files.items():
        file.lines = lines[order_id]
        for line in file.lines:
            line.order = file.order
    for refund in Refund.objects.filter(order__in=files):
        files[refund.order_id].refunds[refund.code] = refund
    awaited = [order_id for order_id, file in files.items() if file.order.status == Order.Status.AWAITED]
    if awaited:
        for event in ParkedEvent.objects.filter(order__in=awaited, applied_at=None, refusal="").order_by("time", "pk"):
            files[event.order_id].parked.append(event)
