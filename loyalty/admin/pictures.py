"""Pyramids as pictures: plain SVG and tables, drawn by templates, in the tiers' own colours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from common.admin import words
from loyalty.models import Tier

_WIDTH, _LAYER, _GAP = 1000, 64, 8
_STACK = 240


def share(part: int, whole: int) -> str:
    """12.3 %; rounded down to a tenth."""
    permille = part * 1000 // whole if whole else 0
    return f"{permille // 10}.{permille % 10} %"


def pyramid(sizes: Sequence[tuple[Tier, int]], title: str) -> SafeString:
    """One bar a tier, the highest on top, as wide as the tier has members."""
    most, total = max((members for _tier, members in sizes), default=0), sum(members for _tier, members in sizes)
    rows = []
    for number, (tier, members) in enumerate(sizes):
        width = max(members * _WIDTH // most, 4) if members else 0
        rows.append(
            {
                "tier": tier,
                "members": words.number(members),
                "share": share(members, total),
                "x": (_WIDTH - width) // 2,
                "y": number * (_LAYER + _GAP),
                "width": width,
            }
        )
    height = len(rows) * (_LAYER + _GAP)
    context = {"rows": rows, "width": _WIDTH, "height": height, "layer": _LAYER, "title": title}
    return render_to_string("loyalty/pictures/pyramid.html", context)


def months(told: Sequence[tuple[dt.date, Mapping]], tiers: Sequence[Tier], title: str) -> SafeString:
    """One column a month, all tiers on top of each other, the highest on top; and the same as a table."""
    most = max((sum(sizes.values()) for _day, sizes in told), default=0) or 1
    step = _WIDTH // max(len(told), 1)
    columns = []
    for place, (first, sizes) in enumerate(told):
        y, parts = _STACK, []
        for tier in reversed(tiers):
            members = sizes.get(tier.pk, 0)
            height = max(members * _STACK // most, 1) if members else 0
            y -= height
            parts.append({"tier": tier, "members": words.number(members), "y": y, "height": height})
        columns.append({"x": place * step, "label": date_format(first, "SHORT_DATE_FORMAT"), "parts": parts})
    context = {
        "columns": columns, "tiers": tiers, "width": _WIDTH, "height": _STACK, "bar": max(step - _GAP, 4), "title": title,
    }  # fmt: skip
    return render_to_string("loyalty/pictures/months.html", context)


def matrix(moves: Mapping[tuple, int], tiers: Sequence[Tier]) -> SafeString:
    """From where (rows) to where (columns), the highest tier first; who rises stands in green, who falls in red."""
    ranks: dict[int | None, int] = {tier.pk: tier.rank for tier in tiers}
    names: dict[int | None, Tier | None] = {tier.pk: tier for tier in tiers}
    if any(before is None for before, _after in moves):
        ranks[None], names[None] = -1, None
    total = sum(moves.values())
    rows = [
        {
            "tier": names[before],
            "cells": [_cell(moves.get((before, after), 0), ranks[before], ranks[after], total) for after in names],
        }
        for before in names
    ]
    return render_to_string("loyalty/pictures/matrix.html", {"columns": list(names.values()), "rows": rows})


def _cell(members: int, before: int, after: int, total: int) -> dict:
    kind = "lp-up" if after > before else "lp-down" if after < before else "lp-stay"
    # A few members are seen too: the tint begins at 15 %.
    tint = 15 + members * 85 // total if members else 0
    return {"members": words.number(members) if members else "·", "kind": kind, "tint": tint}


def line(values: Sequence[int], title: str) -> SafeString:
    """A line through values from left to right, the lowest at nothing."""
    most = max(values, default=0) or 1
    step = _WIDTH // max(len(values) - 1, 1)
    points = " ".join(f"{place * step},{_STACK - value * _STACK // most}" for place, value in enumerate(values))
    context = {"points": points, "width": _WIDTH, "height": _STACK, "title": title, "most": words.number(most)}
    return render_to_string("loyalty/pictures/line.html", context)


def interval(low: Decimal, high: Decimal, title: str) -> SafeString:
    """A difference with its interval on a line through nought: left of it less, right of it more."""
    widest = max(abs(low), abs(high)) or Decimal(1)
    left, right = (_WIDTH // 2 + int(end * _WIDTH * Decimal("0.48") / widest) for end in (low, high))
    kind = "lp-more" if low > 0 else "lp-less" if high < 0 else "lp-unsure"
    context = {
        "kind": kind, "x": left, "width": max(right - left, 4), "middle": (left + right) // 2, "nought": _WIDTH // 2,
        "wide": _WIDTH, "title": title,
    }  # fmt: skip
    return render_to_string("loyalty/pictures/interval.html", context)


def wrongs(pairs: Sequence[tuple[Tier, Tier]]) -> list[str]:
    """Which tier is larger than the one below it, in words."""
    return [
        gettext("%(above)s has more members than %(below)s below it.") % {"above": above.name, "below": below.name}
        for above, below in pairs
    ]
