"""Whose points paid which line: the north-west corner rule, exact in whole points (domain.md F16, S1-04).

Portions of a tender stand in the order in which their lots were drawn, lines in the order of the order; both rows are
laid side by side and cut wherever one of them ends. So every portion and every line is met to the point.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TypeVar

P = TypeVar("P")
L = TypeVar("L")


def pieces(portions: Sequence[tuple[P, int]], lines: Sequence[tuple[L, int]]) -> Iterator[tuple[P, L, int]]:
    """Lay portions and lines, as (what, points ≥ 0), side by side; points that only one row has are left out."""
    place = 0
    left, right = iter(_ends(portions)), iter(_ends(lines))
    portion, line = next(left, None), next(right, None)
    while portion and line:
        end = min(portion[1], line[1])
        if end > place:
            yield portion[0], line[0], end - place
            place = end
        if portion[1] <= end:
            portion = next(left, None)
        if line and line[1] <= end:
            line = next(right, None)


def shares(lines: Sequence[tuple[L, int]], whole: int, taken: int, before: int = 0) -> list[tuple[L, int]]:
    """What falls on each line of the `taken` points that were had of a tender of `whole`, after `before` others.

    Ends are rounded down, as refunds count them (F10, cumulative method): the sum is exact, at whatever line one stops.
    """
    if not whole:
        return [(line, 0) for line, _points in lines]
    ends = [taken * before // whole, *(taken * (before + end) // whole for end in _sums(lines))]
    return [(line, ends[number + 1] - ends[number]) for number, (line, _points) in enumerate(lines)]


def between(portions: Sequence[tuple[P, int]], start: int, end: int) -> list[tuple[P, int]]:
    """The points from place `start` to `end` of a row of portions."""
    cut, place = [], 0
    for what, points in portions:
        low, high = max(start, place), min(end, place + points)
        if low < high:
            cut.append((what, high - low))
        place += points
    return cut


def _sums(row: Sequence[tuple[object, int]]) -> Iterator[int]:
    return accumulate(points for _what, points in row)


def _ends(row):
    return [(what, end) for (what, _points), end in zip(row, _sums(row), strict=True)]
