"""How medals look and read on operators' pages."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from common.admin import words
from loyalty.models import Medal, MedalLevel
from loyalty.selectors.medals import Progress


def badge(medal: Medal, level: MedalLevel | None = None) -> SafeString:
    """A medal as people see it: its icon in its colour, its name and the level's."""
    name = f"{medal.name} · {level.name}" if level else medal.name
    return format_html(
        '<span class="lp-badge"><span class="lp-medal" style="background:{}">'
        '<span class="material-symbols-outlined">{}</span></span>{}</span>',
        medal.colour,
        medal.icon,
        name,
    )


def say(medal: Medal) -> str:
    """What a medal counts, in one sentence. Reads `categories` and `event_type`: load them with the rows."""
    if medal.kind == Medal.Kind.BEHAVIOUR:
        what = medal.event_type.name if medal.event_type else medal.get_behaviour_display()
        return gettext("%(score)s for each: %(what)s") % {"score": medal.per_content, "what": what}
    categories = ", ".join(row.category for row in medal.categories.all())
    if not categories:
        return gettext("Names no category yet, so nothing counts.")
    parts = []
    if medal.per_money:
        unit = words.money(medal.money_unit)
        parts.append(gettext("%(score)s for each whole %(unit)s") % {"score": medal.per_money, "unit": unit})
    if medal.per_day:
        parts.append(gettext("%s for a day with an order") % medal.per_day)
    if medal.per_content:
        parts.append(gettext("%s for a review") % medal.per_content)
    return f"{categories}: {'; '.join(parts)}"


def reached(level: MedalLevel) -> str:
    """What leads to a level."""
    if level.score is not None:
        return gettext("from %s") % words.number(level.score)
    return gettext("the best %s ‰") % level.share_permille


def strength(place: int, levels: int) -> str:
    """How strong the colour of the place-th of so many levels is, the lowest first: from .4 to 1."""
    tenths = 10 if levels < 2 else 4 + 6 * (place - 1) // (levels - 1)
    return f"{tenths // 10}.{tenths % 10}"


def bar(medal: Medal, levels: Sequence[MedalLevel]) -> SafeString | str:
    """Members by level in one line that leads to the console; levels carry `size` and come with the lowest first."""
    total = sum(level.size for level in levels)
    if not total:
        return gettext("nobody yet")
    parts = [
        (f"{level.size * 1000 // total}", medal.colour, strength(place, len(levels)), level)
        for place, level in enumerate(levels, 1)
    ][::-1]
    pieces = format_html_join(
        "", '<i style="flex-grow:{};background:{};opacity:{}"></i>', (part[:3] for part in parts if part[3].size)
    )
    said = " · ".join(f"{part[3].name} {words.number(part[3].size)}" for part in parts)
    console = reverse("admin:loyalty_medal_console", args=[medal.pk])
    return format_html('<a href="{}"><div class="lp-stack">{}</div><small>{}</small></a>', console, pieces, said)


def line(progress: Progress) -> dict:
    """One medal of one member, for the panel."""
    missing = progress.missing
    further = progress.next.name if progress.next else ""
    return {
        "badge": badge(progress.medal, progress.level),
        "score": words.number(progress.score),
        "since": words.day(progress.since),
        "percent": progress.percent,
        "says": gettext("%(missing)s missing for %(level)s") % {"missing": words.number(missing), "level": further}
        if further
        else gettext("the highest level"),
    }
