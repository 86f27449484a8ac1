"""The console of one medal: its members by level in a picture, what they bring against the base, and what they buy."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext

from common.admin import words
from loyalty.admin import medal_words
from loyalty.models import Medal, MedalLevel
from loyalty.selectors import medal_insights
from loyalty.selectors.medal_insights import LevelReport

_WIDTH, _STEP = 560, 44


def fill(medal: Medal, chosen: str) -> dict:
    """What the page shows; `chosen` is the number of the level whose purchases are looked at, nothing = all levels."""
    as_of = medal_insights.counted_up_to(medal)
    context = {
        "badge": medal_words.badge(medal),
        "medal": medal,
        "says": medal_words.say(medal),
        "counted_up_to": words.day(as_of),
        "is_counted": as_of is not None,
        "buys": medal.kind == Medal.Kind.CATEGORY,
    }
    if as_of is None:
        return context
    reports = medal_insights.by_level(medal)
    base = medal_insights.base(reports)
    rose, fell = medal_insights.movement(medal, as_of)
    level = medal.levels.filter(number=chosen).first() if chosen.isdecimal() else None
    products = medal_insights.top_products(medal, level, as_of)
    others = medal_insights.other_categories(medal, level, as_of)
    return context | {
        "rose": words.number(rose),
        "fell": words.number(fell),
        "warnings": [
            gettext("More members hold %(above)s than %(below)s: this is no pyramid.")
            % {"above": above.name, "below": below.name}
            for above, below in medal_insights.faults(reports)
        ],
        "pyramid": _pyramid(medal, [report for report in reports if report.level]),
        "rows": [_row(medal, report, base) for report in reports],
        "base": _figures(base, base),
        "level": level,
        "levels": [report.level for report in reports if report.level],
        "products": _most(products),
        "others": _most(others),
        "best": words.number(medal_insights.BEST),
        "holders": _holders(medal, ""),
    }


def _pyramid(medal: Medal, reports: list[LevelReport]) -> dict:
    """Bars in the middle of the picture, the highest level on top; somebody is never nothing."""
    most = max((report.members for report in reports), default=0) or 1
    bars = []
    for place, report in enumerate(reports):
        width = max(report.members * _WIDTH // most, 2 if report.members else 0)
        bars.append(
            {
                "x": (_WIDTH - width) // 2,
                "y": place * _STEP + 18,
                "text_y": place * _STEP + 12,
                "width": width,
                "opacity": medal_words.strength(len(reports) - place, len(reports)),
                "says": f"{report.level.name}: {words.number(report.members)}",
            }
        )
    return {
        "bars": bars,
        "width": _WIDTH,
        "middle": _WIDTH // 2,
        "height": _STEP * len(reports),
        "colour": medal.colour,
    }


def _row(medal: Medal, report: LevelReport, base: LevelReport) -> dict:
    level: MedalLevel | None = report.level
    return _figures(report, base) | {
        "name": level.name if level else gettext("a score, but no level yet"),
        "reached": medal_words.reached(level) if level else "",
        "benefits": level.benefits if level else "",
        "gather": reverse("admin:loyalty_medal_gather", args=[medal.pk], query={"level": level.pk})
        if level and report.members
        else "",
        "holders": _holders(medal, str(level.number) if level else "none"),
    }


def _figures(report: LevelReport, base: LevelReport) -> dict:
    times = report.times(base)
    return {
        "members": words.number(report.members),
        "money": words.money(report.money),
        "money_each": words.money(report.money_each),
        "times": f"{times // 100}.{times % 100:02d}",
        "orders": words.number(report.orders),
        "pieces": words.number(report.pieces),
        "cost": words.money(report.cost),
        "profit": words.money(report.profit),
        "is_loss": report.profit < 0,
    }


def _holders(medal: Medal, level: str) -> str:
    """The list of members, from which they are exported."""
    query = {"medal__id__exact": medal.pk} | ({"level": level} if level else {})
    return reverse("admin:loyalty_medalstanding_changelist", query=query)


def _most(rows: list[tuple[str, int, int]]) -> list[dict]:
    most = max((money for _name, _members, money in rows), default=0) or 1
    return [
        {
            "name": name,
            "members": words.number(members),
            "money": words.money(money),
            "percent": money * 100 // most,
        }
        for name, members, money in rows
    ]
