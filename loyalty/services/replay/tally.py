"""What became of every row of a file: nothing is skipped silently."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass(slots=True)
class Sum:
    """Rows, units and money (in tenths of the minor unit: some prices have three decimals)."""

    rows: int = 0
    units: int = 0
    amount: int = 0

    def add(self, units: int, amount: int, rows: int = 1) -> None:
        self.rows += rows
        self.units += units
        self.amount += amount


@dataclass(slots=True)
class Tally:
    """Sums by stream (sold, cancelled, …) and by what was done with the rows: an event, or a reason why not."""

    sums: dict[tuple[str, str], Sum] = field(default_factory=lambda: defaultdict(Sum))

    def count(self, stream: str, fate: str, units: int = 0, amount: int = 0, rows: int = 1) -> None:
        self.sums[stream, fate].add(units, amount, rows)

    def total(self, stream: str) -> Sum:
        """All rows of a stream, whatever became of them."""
        total = Sum()
        for (of, _fate), part in self.sums.items():
            if of == stream:
                total.add(part.units, part.amount, part.rows)
        return total
