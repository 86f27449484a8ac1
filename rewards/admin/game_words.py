"""A game in words, numbers and a picture of its odds."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from common.admin import words
from loyalty.models import Programme
from loyalty.selectors import programme as programmes
from rewards.models import GameVersion, Prize
from rewards.selectors import odds

# The top prize is the darkest; what wins nothing is pale.
_SHADES = ("#7c3aed", "#2563eb", "#0891b2", "#16a34a", "#ca8a04", "#ea580c", "#db2777", "#64748b")
_NOTHING = "#e5e7eb"


def money(value: Fraction | None) -> str:
    """Minor units as money; a fraction of one is rounded to the nearest."""
    return gettext("no limit") if value is None else words.money(round(value))


def points(value: Fraction, programme: Programme) -> str:
    """Minor units as points, to a hundredth: 6.5 points. Half a hundredth goes to the even one."""
    hundredths = round(value * 100 * programme.point_value_points / programme.point_value_money)
    text = f"{words.number(hundredths // 100)}.{hundredths % 100:02d}".rstrip("0").rstrip(".")
    return ngettext("%s point", "%s points", 1 if text == "1" else 2) % text


def percent(share: Fraction) -> str:
    """A share to a hundredth of a percent, rounded down; smaller ones are said to be so."""
    basis = share * 10_000
    if 0 < basis < 1:
        return "< 0.01 %"
    whole = basis.numerator // basis.denominator
    return f"{whole // 100}.{whole % 100:02d} %"


def odds_of(chance: Fraction) -> str:
    """1 in 1,000, exactly, in lowest terms."""
    numbers = {"numerator": words.number(chance.numerator), "denominator": words.number(chance.denominator)}
    return gettext("%(numerator)s in %(denominator)s") % numbers


def sentence(version: GameVersion) -> str:
    """What a play costs and how often one may play."""
    if version.game.is_lottery:
        numbers = {
            "stake": words.number(version.stake),
            "least": words.number(version.tickets_least),
            "most": words.number(version.tickets_most),
            "at": words.instant(version.draws_at),
        }
        said = gettext("A ticket costs %(stake)s points; %(least)s to %(most)s tickets, drawn at %(at)s.") % numbers
    else:
        said = gettext("A play costs %s points.") % words.number(version.stake)
    if version.daily_limit is not None:
        said += " " + gettext("At most %s a member and day.") % words.number(version.daily_limit)
    if version.lifetime_limit is not None:
        said += " " + gettext("At most %s a member in all.") % words.number(version.lifetime_limit)
    return said


def preview(version: GameVersion, prizes: Sequence[Prize]) -> dict:
    """The context of `rewards/game_words.html`."""
    programme = programmes.current()
    prizes = sorted(prizes, key=lambda prize: prize.position or 0)
    told = odds.of(version, prizes, programme)
    rows = [
        {
            "name": chance.prize.name if chance.prize else gettext("no prize"),
            "colour": _colour(place, chance.prize),
            "is_fallback": bool(chance.prize and chance.prize.is_fallback),
            "worth": money(chance.value) if chance.prize else "–",
            "odds": odds_of(chance.probability),
            "percent": percent(chance.probability),
            "stock": _stock(chance.prize),
            "costs": points(chance.value * chance.probability, programme),
        }
        for place, chance in enumerate(told.chances)
    ]
    return {
        "says": sentence(version),
        "bar": bar(told),
        "rows": rows,
        "figures": figures(version, told, programme),
        "faults": [fault.words for fault in odds.faults(version, prizes, programme)],
        "hot": told.ratio > Fraction(version.cost_cap_percent or 0, 100),
    }


def figures(version: GameVersion, told: odds.Odds, programme: Programme) -> list[tuple[str, str]]:
    """What the game costs: on average, and at worst."""
    average = gettext("%(points)s of %(stake)s staked: %(ratio)s, allowed %(cap)s %%") % {
        "points": points(told.expected, programme),
        "stake": words.number(version.stake),
        "ratio": percent(told.ratio),
        "cap": version.cost_cap_percent,
    }
    per_thousand = gettext("%(cost)s given for %(stakes)s staked") % {
        "cost": money(told.expected * 1000),
        "stakes": money(told.stake * 1000),
    }
    worst = gettext("The worst draw") if version.game.is_lottery else gettext("The worst day, all members together")
    return [
        (gettext("A play gives on average"), average),
        (gettext("A thousand plays, on average"), per_thousand),
        (gettext("Top prize"), money(told.top)),
        (gettext("The worst day of one member"), money(told.worst_member_day)),
        (worst, money(told.worst_day)),
    ]


def bar(told: odds.Odds) -> SafeString:
    """The odds in one line, as wide as they are likely; what is too thin to be seen is given three pixels."""
    pieces = [
        (f"{max(int(chance.probability * 100_000), 1)}", _colour(place, chance.prize), _title(chance))
        for place, chance in enumerate(told.chances)
        if chance.probability > 0
    ]
    parts = format_html_join("", '<i style="flex-grow:{};background:{}" title="{}"></i>', pieces)
    return format_html('<div class="lp-stack lp-odds">{}</div>', parts)


def _title(chance: odds.Chance) -> str:
    return f"{chance.prize.name if chance.prize else gettext('no prize')}: {odds_of(chance.probability)}"


def _colour(place: int, prize: Prize | None) -> str:
    return _SHADES[place % len(_SHADES)] if prize else _NOTHING


def _stock(prize: Prize | None) -> str:
    if prize is None or prize.stock is None:
        return "∞" if prize else "–"
    left = prize.stock if prize.remaining is None else prize.remaining
    return f"{words.number(left)} / {words.number(prize.stock)}"
