"""Freight that was waived and is charged after all: what is sent back leaves too little for free shipping (domain.md E16)."""

from __future__ import annotations

from loyalty.models import Programme, Refund
from loyalty.selectors import programme as programmes
from loyalty.services.orderfile import OrderFile

CHARGED_FOR = (Refund.Reason.NO_REASON, Refund.Reason.REFUSED)
"""What the member alone decided. A fault of the seller, an exchange, a lower price or a cancellation costs no freight."""


def kept(programme: Programme, file: OrderFile) -> int:
    """What is kept of the goods that are sent: cash, and tendered points at their worth, rounded down; minor units."""
    sent = [line for line in file.lines if not line.is_virtual]
    points = sum(line.points - line.refunded_points for line in sent)
    return sum(line.cash - line.refunded_cash for line in sent) + programmes.money_of(programme, points)


def charge(programme: Programme, file: OrderFile, reason: str, *, before: int, cash: int) -> int:
    """What the shop deducts for freight from the `cash` it pays back, in minor units; `before` is what was kept until now.

    Once an order in all, by the return that falls below the amount shipping was free from. A member never pays in (E2):
    what the cash does not bear is deducted from a later refund.
    """
    order = file.order
    left = order.freight_waived - order.freight_charged
    if not programme.charge_freight or reason not in CHARGED_FOR or not left:
        return 0
    fell = before >= order.free_from > kept(programme, file)
    return min(left, cash) if fell or order.freight_charged else 0
