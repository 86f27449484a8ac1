"""What a ladder would do to the real members, as pictures: a draft before it is published, or the one in force."""

from __future__ import annotations

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from common import clock
from common.admin import words
from common.admin.base import Admin
from common.models import Look
from loyalty.admin import amounts, pictures
from loyalty.models import Ladder, Tier
from loyalty.selectors import programme as programmes
from loyalty.selectors import pyramid
from loyalty.services import editions, forecasts
from loyalty.services.forecasts import Forecast, Matrix

_KEPT_SECONDS = 600


def page(model_admin: Admin, request: HttpRequest, ladder: Ladder) -> HttpResponse:
    """The forecast of a ladder; ten minutes old at most, and new whenever the draft is saved."""
    faults = ladder.faults()
    now = timezone.now()
    as_of = clock.day_start(clock.local_date(now))
    current = editions.in_force(Ladder, now)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": gettext("Preview of %s") % ladder,
        "ladder": ladder,
        "is_current": current is not None and current.pk == ladder.pk,
        "faults": faults,
        "back": reverse("admin:loyalty_ladder_change", args=[ladder.pk]),
    }
    if not faults:
        key = f"loyalty.forecast.{ladder.pk}.{ladder.drafted_at.isoformat()}.{as_of.isoformat()}"
        forecast = cache.get_or_set(key, lambda: forecasts.of(ladder, as_of), _KEPT_SECONDS)
        context |= _shown(forecast, ladder, current)
        model_admin.note_look(request, Look.Kind.LIST)
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(request, "loyalty/forecast.html", context)


def _shown(forecast: Forecast, ladder: Ladder, current: Ladder | None) -> dict:
    tiers = list(Tier.objects.order_by("-rank"))
    ranks = {tier.pk: tier.rank for tier in tiers}
    before = _sums(forecast.at_once, 0)
    stages = [
        (gettext("Today"), before),
        (gettext("When it comes into force"), _sums(forecast.at_once, 1)),
        (gettext("After the next review of each member, if nobody grows"), _sums(forecast.at_review, 1)),
        (gettext("In a year, if members grow as last year"), forecast.months[-1][1]),
    ]
    last = [(tier, forecast.months[-1][1].get(tier.pk, 0)) for tier in tiers]
    return {
        "members": words.number(forecast.members),
        "every": forecast.every,
        "at_once": _says(forecast.at_once, ranks),
        "at_review": _says(forecast.at_review, ranks),
        "once_matrix": pictures.matrix(forecast.at_once, tiers),
        "review_matrix": pictures.matrix(forecast.at_review, tiers),
        "stages": [
            (name, pictures.pyramid([(tier, sizes.get(tier.pk, 0)) for tier in tiers], name)) for name, sizes in stages
        ],
        "months": pictures.months(forecast.months, tiers, gettext("The coming year")),
        "wrongs": pictures.wrongs(pyramid.too_wide(last, ladder)),
        "costs": _costs(stages, tiers, ladder, current),
        "edges": [_edge(edge) for edge in pyramid.edges(list(ladder.rungs.select_related("tier")))]
        if not ladder.by_rank
        else [],
    }


def _sums(moves: Matrix, side: int) -> dict[int | None, int]:
    """How many stand where before (0) or after (1) the moves."""
    sums: dict[int | None, int] = {}
    for pair, members in moves.items():
        sums[pair[side]] = sums.get(pair[side], 0) + members
    return sums


def _says(moves: Matrix, ranks: dict[int | None, int]) -> dict[str, str]:
    """How many rise, fall and stay."""
    sums = {"up": 0, "down": 0, "stay": 0}
    for (before, after), members in moves.items():
        step = ranks.get(after, -1) - ranks.get(before, -1)
        sums["up" if step > 0 else "down" if step < 0 else "stay"] += members
    return {name: words.number(members) for name, members in sums.items()}


def _costs(stages: list, tiers: list[Tier], ladder: Ladder, current: Ladder | None) -> dict:
    """Benefits (a member's cost by tier times members) and points (what a member of the tier was given in the last year
    times members), at each stage; today by the ladder in force, later by the previewed one."""
    programme = programmes.current()
    now = dict(current.rungs.values_list("tier_id", "benefit_cost")) if current else {}
    then = dict(ladder.rungs.values_list("tier_id", "benefit_cost"))
    counted = {row.tier_id: row for row in pyramid.counted()}

    def points(tier: Tier, members: int) -> int:
        night = counted.get(tier.pk)
        return night.points * members // night.members if night and night.members else 0

    totals = [[0, 0] for _stage in stages]
    rows = []
    for tier in tiers:
        cells = []
        for place, (_name, sizes) in enumerate(stages):
            members = sizes.get(tier.pk, 0)
            benefits = (then if place else now).get(tier.pk, 0) * members
            worth = programmes.money_of(programme, points(tier, members))
            totals[place][0] += benefits
            totals[place][1] += worth
            cells.append((words.number(members), words.money(benefits), words.money(worth)))
        rows.append((tier, cells))
    return {
        "names": [name for name, _sizes in stages],
        "rows": rows,
        "totals": [(words.money(benefits), words.money(worth)) for benefits, worth in totals],
        "counted": bool(counted),
    }


def _edge(edge: pyramid.Edge) -> dict:
    """The members nearest to a threshold, with what they lack or have to spare."""
    threshold = edge.rung.threshold * 100
    return {
        "tier": edge.rung.tier,
        "threshold": words.number(edge.rung.threshold),
        "below": [(words.link(row.member), amounts.change(row.growth - threshold)) for row in edge.below],
        "above": [(words.link(row.member), amounts.change(row.growth - threshold)) for row in edge.above],
    }
