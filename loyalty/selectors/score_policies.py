"""A score policy as plain data: read once for a run, a page or a preview."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from loyalty.models import Dimension, ScorePolicy, ScoreSource


@dataclass(frozen=True)
class Shape:
    """What becomes of the x that a dimension's sources count: s = min(cap, curve(x)); the score adds weight × s."""

    code: str
    weight_percent: int
    cap: int
    curve: Sequence[tuple[int, int]]

    def of(self, x: int) -> int:
        """s: the curve's straight lines, level outside its corners, rounded down once; x itself without a curve."""
        return min(self.cap, self._curved(x))

    def _curved(self, x: int) -> int:
        if not self.curve:
            return x
        below = [corner for corner in self.curve if corner[0] <= x]
        above = [corner for corner in self.curve if corner[0] > x]
        if not below or not above:
            return (below[-1] if below else above[0])[1]
        (x0, y0), (x1, y1) = below[-1], above[0]
        return y0 + (x - x0) * (y1 - y0) // (x1 - x0)


@dataclass(frozen=True)
class ScoreRules:
    """A policy with its parts. A dimension without a shape counts nothing."""

    policy: ScorePolicy
    shapes: dict[str, Shape]
    sources: Sequence[ScoreSource]

    @cached_property
    def windowed(self) -> list[ScoreSource]:
        """Sources that are summed over the window."""
        return [source for source in self.sources if not source.is_state]

    @cached_property
    def states(self) -> list[ScoreSource]:
        """Sources that are read off the member as she is."""
        return [source for source in self.sources if source.is_state]

    def of_dimension(self, code: str) -> list[ScoreSource]:
        """What counts for a dimension."""
        return [source for source in self.sources if source.dimension == code]

    def counts(self, kind: str) -> bool:
        """Whether the policy counts this at all."""
        return any(source.kind == kind for source in self.sources)

    def total(self, dimensions: dict[str, int]) -> int:
        """The score for the s of each dimension: weights as rationals, rounded down once (F6)."""
        weighted = (Fraction(shape.weight_percent, 100) * dimensions[code] for code, shape in self.shapes.items())
        return sum(weighted, Fraction(0)).__floor__()


def load(policy: ScorePolicy) -> ScoreRules:
    """The policy with its parts; three queries."""
    curves: dict[str, list[tuple[int, int]]] = {code: [] for code in Dimension.values}
    for dimension, x, y in policy.points.order_by("x").values_list("dimension", "x", "y"):
        curves[dimension].append((x, y))
    shapes = {
        row.code: Shape(row.code, row.weight_percent, row.cap, curves[row.code]) for row in policy.dimensions.all()
    }
    return ScoreRules(policy, shapes, list(policy.sources.select_related("event_type").order_by("id")))


def in_force(at: dt.datetime) -> ScoreRules | None:
    """The rules that count at an instant; None before the first policy."""
    policy = ScorePolicy.objects.in_force(at).first()
    return load(policy) if policy else None
