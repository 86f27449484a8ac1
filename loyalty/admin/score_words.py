"""What a score policy says, in sentences and curves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from common.admin import words
from loyalty.models import CurvePoint, ScoreDimension, ScoreSource
from loyalty.selectors.score_policies import Shape

Kind = ScoreSource.Kind
_WIDTH, _HEIGHT, _STEPS = 320, 120, 40


def source(row: ScoreSource) -> str:
    """“Log-in: +5 each; at most 50 a month.”"""
    names = {"what": row.title, "value": words.signed(row.value)}
    if row.kind == Kind.CASH:
        text = gettext("%(what)s: %(value)s for each %(unit)s") % {**names, "unit": words.money(row.money_unit)}
    else:
        text = gettext("%(what)s: %(value)s each") % names
    limits = {
        gettext("an order"): row.cap_order,
        gettext("a day"): row.cap_day,
        gettext("a month"): row.cap_month,
        gettext("a category and month"): row.cap_category,
        gettext("a store and month"): row.cap_store,
    }
    said = [f"{words.number(limit)} {name}" for name, limit in limits.items() if limit is not None]
    return text + (gettext("; at most %s") % ", ".join(said) if said else "") + "."


def dimension(row: ScoreDimension) -> str:
    """“100 % of at most 20,000.”"""
    return gettext("%(weight)d %% of at most %(cap)s.") % {
        "weight": row.weight_percent,
        "cap": words.number(row.cap),
    }


def described(
    dimensions: Iterable[ScoreDimension], sources: Sequence[ScoreSource], points: Sequence[CurvePoint]
) -> list[dict]:
    """A policy dimension by dimension: what it says, its sources, its curve."""
    return [
        {
            "name": row.get_code_display(),
            "says": dimension(row),
            "sources": [source(one) for one in sources if one.dimension == row.code],
            "curve": curve(row, [point for point in points if point.dimension == row.code]),
        }
        for row in dimensions
    ]


def curve(row: ScoreDimension, points: Sequence[CurvePoint]) -> SafeString | str:
    """The curve with its cap, drawn; empty for a dimension that takes what is counted as it is."""
    corners = sorted((point.x, point.y) for point in points)
    if not corners or row.cap is None:
        return ""
    shape = Shape(row.code, row.weight_percent, row.cap, corners)
    first, last = corners[0][0], corners[-1][0]
    room = max((last - first) // 5, 1)
    left, right = first - room, last + room
    xs = sorted({left, right, *(x for x, _y in corners), *(left + (right - left) * n // _STEPS for n in range(_STEPS))})
    values = [(x, shape.of(x)) for x in xs]
    low, high = min(0, *(y for _x, y in values)), max(1, *(y for _x, y in values))

    def place(x: int, y: int) -> dict:
        return {
            "x": (x - left) * _WIDTH // (right - left),
            "y": _HEIGHT - (y - low) * _HEIGHT // (high - low),
            "says": f"{words.number(x)} → {words.number(y)}",
        }

    context = {
        "line": " ".join(f"{spot['x']},{spot['y']}" for spot in (place(*value) for value in values)),
        "corners": [place(x, shape.of(x)) for x, _y in corners],
        "width": _WIDTH,
        "height": _HEIGHT,
        "title": gettext("Curve of %s") % row.get_code_display(),
    }
    return render_to_string("loyalty/pictures/curve.html", context)
