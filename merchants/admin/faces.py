"""The face of a card on every level, as members see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count
from django.utils.translation import gettext, ngettext

from common.admin import words
from merchants.models import Card, Club, Level, LevelScheme


@dataclass(frozen=True)
class Face:
    """One card as it is drawn."""

    name: str
    colour: str
    ink: str
    asks: str
    brings: str
    cards: str


def of(club: Club, levels: Sequence[Level], basis: str, counts: Mapping[int, int]) -> list[Face]:
    """A face for each level, lowest first; `counts` says how many cards are on which."""
    return [face(club, level, basis, counts.get(level.number, 0)) for level in levels]


def counted(club: Club) -> dict[int, int]:
    """How many open cards stand on which level now; one query."""
    rows = Card.objects.filter(club=club.pk, status=Card.Status.ACTIVE)
    return dict(rows.values_list("level").annotate(cards=Count("pk")).order_by())


def face(club: Club, level: Level, basis: str, cards: int) -> Face:
    """The face of a level."""
    brings = level.benefits
    if level.multiplier_percent != 100:
        times = f"{level.multiplier_percent / 100:g}"
        brings = " · ".join(
            filter(None, [gettext("%(times)s × %(unit)s") % {"times": times, "unit": club.unit_name}, brings])
        )
    return Face(
        name=level.name,
        colour=level.colour,
        ink=ink(level.colour),
        asks=asks(level, basis),
        brings=brings,
        cards=ngettext("%s member", "%s members", cards) % words.number(cards),
    )


def asks(level: Level, basis: str) -> str:
    """What a level asks for, in words."""
    if level.threshold == 0:
        return gettext("for everybody who joins")
    if basis == LevelScheme.Basis.AMOUNT:
        return gettext("from %s spent") % words.money(level.threshold)
    return ngettext("from %s order", "from %s orders", level.threshold) % words.number(level.threshold)


def ink(colour: str) -> str:
    """Black or white, whichever is easier to read on the colour (WCAG's relative luminance)."""
    try:
        red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    except (ValueError, TypeError):
        return "#ffffff"
    channels = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    luminance = 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]
    return "#000000" if luminance > 0.179 else "#ffffff"
