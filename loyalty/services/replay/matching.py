"""Which purchase does a return belong to? The file does not say; the most recent one of the same product is taken."""

from __future__ import annotations

from typing import NamedTuple


class Match(NamedTuple):
    """So many units of a return fall on this line of this order."""

    order: str
    line: str
    quantity: int


class Purchases:
    """Units bought and not yet returned, by customer and product."""

    def __init__(self):
        self._kept: dict[tuple[str, str], list[Match]] = {}

    def keep(self, customer: str, sku: str, order: str, line: str, quantity: int) -> None:
        """Remember a purchase; purchases come in the order in which they happened."""
        self._kept.setdefault((customer, sku), []).append(Match(order, line, quantity))

    def take(self, customer: str, sku: str, quantity: int) -> tuple[list[Match], int]:
        """Return `quantity` units, most recent purchase first; also the number of units nobody ever bought."""
        kept = self._kept.get((customer, sku), [])
        taken = []
        while quantity and kept:
            last = kept.pop()
            units = min(quantity, last.quantity)
            taken.append(last._replace(quantity=units))
            if units < last.quantity:
                kept.append(last._replace(quantity=last.quantity - units))
            quantity -= units
        return taken, quantity
