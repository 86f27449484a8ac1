"""Conduct in words: what the bands of a policy say, and what a judgement rests on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from fractions import Fraction

from django.utils.translation import gettext, ngettext

from common.admin import words
from loyalty.admin.amounts import factor
from loyalty.models import CoefficientBand, CoefficientPolicy, Conduct, OrderLine, RefundLine
from loyalty.selectors.conduct import CAUSELESS


def share(permille: int) -> str:
    """30 -> 3 %, 25 -> 2.5 %."""
    whole, tenth = divmod(permille, 10)
    return f"{whole}.{tenth} %" if tenth else f"{whole} %"


def ratio(value: Fraction) -> str:
    """A ratio in per cent, rounded up to a tenth: what is above a bound never looks as if it met it."""
    return share(-(-1000 * value.numerator // value.denominator))


def band(policy: CoefficientPolicy, row: CoefficientBand) -> str:
    """When a band holds."""
    if row.is_open:
        return gettext("all the rest")
    if policy.by_score:
        return gettext("a credit score of %s or more") % words.number(row.from_score)
    return gettext("at most %s came back without cause") % share(row.up_to_permille or 0)


def step(percent: int) -> str:
    """What a coefficient means for the member."""
    return gettext("× %s") % factor(percent) if percent else gettext("no growth")


def policy(edition: CoefficientPolicy) -> list[str]:
    """How members are judged, in sentences."""
    if edition.by_score:
        return [
            gettext("Members are judged by their newest credit score, at once; without one the coefficient is 1.00.")
        ]
    said = [
        gettext("On the first of each month the order lines of the %s months before it are looked at.")
        % edition.window_months,
        gettext("What came back for no reason, was exchanged or was refused at the door counts; defects do not."),
        gettext("Everybody is judged as if %(returned)s of %(lines)s lines more had come back.")
        % {"returned": edition.alpha, "lines": edition.alpha + edition.beta},
        gettext("With fewer than %s lines the coefficient is 1.00 at best.") % edition.min_lines,
    ]
    if edition.breach_lines:
        said.append(
            gettext("Goods of an instant refund that never came back count like %s lines that did.")
            % edition.breach_lines
        )
    if edition.basis == CoefficientPolicy.Basis.AMOUNT:
        said.insert(2, gettext("A line weighs what it cost."))
    return said


def bands(edition: CoefficientPolicy, rows: Iterable[CoefficientBand]) -> list[tuple[str, str]]:
    """Step by step, the best first: (coefficient, when)."""
    ordered = sorted(rows, key=lambda row: (row.is_open, row.edge))
    return [(step(row.percent), band(edition, row)) for row in ordered if row.percent is not None]


def grounds(edition: CoefficientPolicy, conduct: Conduct) -> str:
    """What a judgement rests on, in one line."""
    if edition.by_score:
        score = conduct.score
        return gettext("no credit score") if score is None else gettext("credit score %s") % words.number(score)
    numbers = {
        "returned": words.number(conduct.returned),
        "lines": words.number(conduct.lines),
        "ratio": ratio(edition.ratio(conduct)),
        "cash": words.money(conduct.returned_cash),
        "all": words.money(conduct.cash),
    }
    text = gettext("%(returned)s of %(lines)s order lines came back without cause; smoothed %(ratio)s") % numbers
    if edition.basis == CoefficientPolicy.Basis.AMOUNT:
        text += gettext(" (%(cash)s of %(all)s)") % numbers
    if conduct.breaches:
        text += gettext("; promises broken: %s") % words.number(conduct.breaches)
    return text


def returns(lines: Iterable[OrderLine]) -> list[dict]:
    """The lines that came back, each with why and when; for a table."""
    return [
        {
            "line": line,
            "order": words.link(line.order),
            "product": line.sku or line.number,
            "cash": words.money(line.cash),
            "why": "; ".join(_reasons(line)),
            "excuse": getattr(line, "excuse", None),
        }
        for line in lines
    ]


def _reasons(line: OrderLine) -> list[str]:
    found = [f"{part.refund.get_reason_display()}, {words.day(part.refund.at)}" for part in _causeless(line)]
    refusal = getattr(line.order, "delivery_refusal", None)
    return [*found, f"{gettext('Delivery refused')}, {words.day(refusal.day)}"] if refusal else found


def _causeless(line: OrderLine) -> list[RefundLine]:
    return [part for part in line.refund_lines.all() if part.refund.reason in CAUSELESS]


def window(first: dt.date, end: dt.date) -> str:
    """The months that are looked at."""
    days = {"first": words.day(first), "last": words.day(end - dt.timedelta(days=1))}
    return gettext("%(first)s to %(last)s") % days


def members(number: int) -> str:
    return ngettext("%s member", "%s members", number) % words.number(number)
