"""Insights in words and bars."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext, ngettext

from common.admin import words
from loyalty.models import ScoreThreshold
from merchants.models import InsightReport, ProspectCount
from merchants.selectors import insights
from merchants.selectors.insights import CategorySales, MemberInsight

_TEAL = "#0f766e"


def band_names() -> dict[str, str]:
    """Score bands by code; the names only, never the number behind them."""
    names = {line.code: line.name for line in ScoreThreshold.objects.all()}
    return names | {insights.BELOW: gettext("below all lines"), insights.NO_SCORE: gettext("no score yet")}


def quarter_name(first: dt.date) -> str:
    """2026 Q1."""
    return f"{first.year} Q{(first.month + 2) // 3}"


def days_name(bound: str) -> str:
    """2 -> 2 days; 3 -> 3 to 5 days; 6 -> 6 days or more."""
    return _range(insights.DAYS, int(bound), lambda value: ngettext("%d day", "%d days", value) % value, 1)


def amount_name(bound: str) -> str:
    """Between two amounts of money."""
    return _range(insights.AMOUNTS, int(bound), words.money, 1)


def _range(bounds: tuple[int, ...], lower: int, say, step: int) -> str:
    place = bounds.index(lower)
    if place == len(bounds) - 1:
        return gettext("%s or more") % say(lower)
    upper = bounds[place + 1] - step
    return say(lower) if upper == lower else gettext("%(from)s to %(to)s") % {"from": say(lower), "to": say(upper)}


def report(row: InsightReport) -> dict:
    """The groups of a quarter as bars."""
    figures = row.figures
    if not figures.get("buyers"):
        return {"least": row.least, "buyers": None}
    names = band_names()
    say = {
        "frequency": (gettext("On how many days they ordered"), days_name),
        "amount": (gettext("How much they spent"), amount_name),
        "score": (gettext("Score band"), lambda code: names.get(code, code)),
        "category": (gettext("Favourite category"), lambda name: name or gettext("none")),
    }
    return {
        "least": row.least,
        "buyers": words.number(figures["buyers"]),
        "cash": words.money(figures["cash"]),
        "each": words.money(figures["cash"] // figures["buyers"]),
        "tables": [
            {"title": title, "rows": _bars(figures[name], label, figures["buyers"])}
            for name, (title, label) in say.items()
        ],
    }


def _bars(cells: list, label, whole: int) -> list[dict]:
    return [
        {
            "name": gettext("others, put together") if code == insights.OTHER else label(code),
            "percent": members * 100 // whole,
            "colour": _TEAL,
            "members": words.number(members),
            "share": words.money(cash),
        }
        for code, members, cash in cells
    ]


def sales(rows: list[CategorySales]) -> list[dict]:
    """Sales by category with the change against the days before."""
    most = max((row.cash for row in rows), default=0) or 1
    return [
        {
            "name": row.category or gettext("none"),
            "cash": words.money(row.cash),
            "pieces": words.number(row.pieces),
            "before": words.money(row.cash_before),
            "change": _change(row),
            "fell": row.cash < row.cash_before,
            "percent": row.cash * 100 // most,
        }
        for row in rows
    ]


def _change(row: CategorySales) -> str:
    """Rounded towards zero."""
    if not row.cash_before:
        return gettext("new")
    change = abs(row.cash - row.cash_before) * 100 // row.cash_before
    return f"{'−' if row.cash < row.cash_before else '+'}{change} %"


def member(insight: MemberInsight) -> dict:
    """One consenting member."""
    return {
        "since": words.day(insight.since),
        "figures": [
            (gettext("Spent at your stores"), words.money(insight.cash)),
            (gettext("Orders"), words.number(insight.orders)),
            (gettext("Days with an order"), words.number(insight.order_days)),
            (gettext("Last order"), words.day(insight.last_order_on)),
            (gettext("Score band"), band_names().get(insight.band, insight.band)),
        ],
        "categories": [
            {
                "name": name or gettext("none"),
                "percent": permille // 10,
                "colour": _TEAL,
                "members": f"{permille // 10}.{permille % 10} %",
                "share": "",
            }
            for name, permille in insight.categories
        ],
    }


def prospects(rows: list[ProspectCount]) -> list[dict]:
    """Categories with the most prospects first."""
    most = max((row.members["all"] for row in rows), default=0) or 1
    return [
        {
            "name": row.category,
            "percent": row.members["all"] * 100 // most,
            "all": about(row.members["all"], row.least),
            "bands": [about(row.members[str(bound)], row.least) for bound in insights.DAYS],
        }
        for row in sorted(rows, key=lambda row: (-row.members["all"], row.category))
    ]


def about(members: int, least: int) -> str:
    """120 or more; fewer than 10."""
    if members:
        return gettext("%s or more") % words.number(members)
    return gettext("fewer than %s") % least
