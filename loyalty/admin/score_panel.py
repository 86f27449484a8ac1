"""A member's value score on the member's page: dimensions as bars, history, what drops out, what would help."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.admin import panels, words
from loyalty.admin import pictures
from loyalty.models import ScoreRestatement, ScoreThreshold
from loyalty.selectors import scores
from loyalty.selectors.score_explanations import DimensionPart, DropOut, Month, Part
from members.models import Member

_HISTORY_MONTHS = 24
_CUT_BY = {
    "month": _("the limit a month"),
    "day": _("the limit a day"),
    "category": _("the limit a category"),
    "store_code": _("the limit a store"),
}


def load(member: Member, request: HttpRequest) -> dict:
    """What the panel shows; nine queries, whatever the history."""
    standpoint = scores.standpoint(member)
    if standpoint is None:
        return {"score": None}
    history = scores.history(member, _HISTORY_MONTHS)
    return {
        "score": standpoint.score,
        "settled": words.number(standpoint.score.settled),
        "daily": words.number(standpoint.score.value),
        "lines": [(line, line.is_met_by(standpoint.score.settled)) for line in ScoreThreshold.objects.all()],
        "dimensions": [_dimension(part) for part in standpoint.now.dimensions],
        "history": pictures.line(
            [max(value, 0) for _month, value in history], gettext("Settled scores, month by month")
        ),
        "has_history": len(history) > 1,
        "drop_out": _drop_out(standpoint.drop_out, standpoint.score.settled) if standpoint.drop_out else None,
        "ideas": [(idea.source.title, words.number(idea.units), words.signed(idea.gain)) for idea in standpoint.ideas],
        "news": list(ScoreRestatement.objects.filter(member=member, month=standpoint.score.settled_month)[:5]),
    }


def _dimension(part: DimensionPart) -> dict:
    return {
        "name": part.name,
        "s": words.number(part.s),
        "cap": words.number(part.cap),
        "weight": part.weight_percent,
        "percent": min(max(part.s, 0) * 100 // part.cap, 100) if part.cap else 0,
        "is_full": part.is_full,
        "sources": [_source(source) for source in part.parts],
    }


def _source(part: Part) -> dict:
    return {"name": part.source.title, "given": words.signed(part.given), "months": [_month(m) for m in part.months]}


def _month(month: Month) -> dict:
    return {
        "month": month.month,
        "given": words.signed(month.given),
        "counted": words.signed(month.counted),
        "cut_by": _CUT_BY.get(month.cut_by, ""),
    }


def _drop_out(drop_out: DropOut, settled: int | None) -> dict:
    return {
        "on": drop_out.on,
        "month": drop_out.month,
        "without": words.number(drop_out.score_without),
        "change": words.signed(drop_out.score_without - (settled or 0)),
        "sources": [_source(part) for part in drop_out.parts],
    }


panels.register_panel(
    Member._meta.label,
    panels.Panel("score", _("Value score"), "loyalty/panels/score.html", load, "loyalty.view_score", 2),
)
