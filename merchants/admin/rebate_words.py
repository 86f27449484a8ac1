"""Rebate schemes in words and examples."""

from __future__ import annotations

from django.utils.translation import gettext

from common.admin import tags, words
from loyalty.selectors import programme as programmes
from merchants.models import Rebate, RebateScheme, RebateStep
from merchants.selectors import rebates

SCHEMES = {
    RebateScheme.Status.DRAFT: tags.WAITING,
    RebateScheme.Status.RUNNING: tags.GOOD,
    RebateScheme.Status.STOPPED: tags.BAD,
}
REBATES = {Rebate.Status.OPEN: tags.WAITING, Rebate.Status.PAID: tags.GOOD}


def preview(scheme: RebateScheme, steps: list[RebateStep]) -> dict:
    """What a business member gets who just reaches each step, and just misses it."""
    programme = programmes.current()
    pairs = [(step.from_spend, step.percent) for step in steps]
    rows = []
    for start, share in sorted(pairs):
        below = start - 1
        rows.append(
            {
                "spend": words.money(start),
                "percent": share,
                "points": words.number(rebates.points(programme, start, share)),
                "below": words.number(rebates.points(programme, below, rebates.percent(pairs, below))),
            }
        )
    says = (
        gettext(
            "After each %s, business members get points for all they spent at your stores in it, at the highest step they "
            "reached. What came back is taken off; what comes back later lowers the next rebate. Your purse pays."
        )
        % str(scheme.get_period_display()).lower()
    )
    return {"says": says, "rows": rows}


def steps(scheme: RebateScheme) -> str:
    """from 1,000.00 CNY: 2 %, …"""
    return ", ".join(f"{words.money(step.from_spend)}: {step.percent} %" for step in scheme.steps.all()) or "–"
