"""How growth reads on operators' pages: exact, in hundredths."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.admin import words
from loyalty.models.standings import HUNDREDTHS


def growth(hundredths: int | None) -> str:
    """123450 -> 1,234.50; nothing -> –."""
    if hundredths is None:
        return "–"
    sign, size = ("−" if hundredths < 0 else ""), abs(hundredths)
    return f"{sign}{words.number(size // HUNDREDTHS)}.{size % HUNDREDTHS:02d}"


def plain(hundredths: int) -> str:
    """1234.50, for machines. Never negative."""
    return f"{hundredths // HUNDREDTHS}.{hundredths % HUNDREDTHS:02d}"


def change(hundredths: int) -> SafeString:
    """A change of growth in its colour."""
    sign = "+" if hundredths > 0 else ""
    colour = "lp-minus" if hundredths < 0 else "lp-plus" if hundredths else ""
    return format_html('<span class="{}">{}{}</span>', colour, sign, growth(hundredths))


def factor(percent: int) -> str:
    """A coefficient: 120 -> 1.20."""
    return f"{percent // 100}.{percent % 100:02d}"
