"""What a measurement says, as a table for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """`operations` done in `ours` seconds by the platform and in `floor` seconds by hand-written SQL.

    `http`: the seconds that as many requests took of the same web server that ask for nothing, `GET /healthz`.
    """

    name: str
    operations: int
    unit: str
    ours: float
    floor: float
    aim: float | None = None
    queries: int | None = None
    http: float | None = None

    @property
    def ratio(self) -> float:
        return self.ours / self.floor


HEADER = ("path", "operations", "ours", "HTTP alone", "SQL floor", "ratio", "aim", "queries")


def cells(result: Result) -> tuple[str, ...]:
    return (
        result.name,
        f"{result.operations:,}",
        _rate(result.ours, result),
        "" if result.http is None else _rate(result.http, result),
        _rate(result.floor, result),
        f"{result.ratio:.2f}×",
        f"≤ {result.aim:g}×" if result.aim else "",
        "" if result.queries is None else str(result.queries),
    )


def table(results: Iterable[Result]) -> str:
    """A Markdown table, aligned so that a terminal can show it as well."""
    rows = [HEADER, *map(cells, results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _rate(seconds: float, result: Result) -> str:
    each = seconds / result.operations * 1e6
    return f"{each:,.0f} µs/{result.unit} ({result.operations / seconds:,.0f}/s)"
