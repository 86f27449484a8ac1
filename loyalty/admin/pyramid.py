"""The pyramid console: how the membership stands, how it came there, what each tier brings and costs (S2-02, S2-14)."""

from __future__ import annotations

import datetime as dt

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext

from common import clock
from common.admin import words
from common.admin.base import ReadOnlyAdmin, actor
from common.services import audit
from loyalty.admin import pictures
from loyalty.models import Ladder, PyramidDay
from loyalty.selectors import programme as programmes
from loyalty.selectors import pyramid as selector
from loyalty.services import editions, pyramid

MOVES_DAYS = 30


@admin.register(PyramidDay)
class PyramidAdmin(ReadOnlyAdmin):
    """One page instead of a list: the rows behind it are the nightly counts."""

    fields = ["day", "tier", "members", "growth", "buyers", "cash", "points"]

    def get_urls(self):
        view = self.admin_site.admin_view(self.count_view)
        return [path("count/", view, name="loyalty_pyramidday_count"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        """The console."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        layers = selector.layers()
        ladder = editions.in_force(Ladder, now)
        tiers = [layer.tier for layer in layers]
        sizes = [(layer.tier, layer.members) for layer in layers]
        told = [*selector.months(layers, clock.local_date(now)), (clock.local_date(now), _by_key(sizes))]
        counted = {row.tier_id: row for row in selector.counted()}
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Pyramid"),
            "members": sum(members for _tier, members in sizes),
            "picture": pictures.pyramid(sizes, gettext("Members by tier")),
            "wrongs": pictures.wrongs(selector.too_wide(sizes, ladder)),
            "months": pictures.months(told, tiers, gettext("Members by tier, month by month")),
            "rows": _rows(layers, counted, ladder),
            "counted_on": next((row.day for row in counted.values()), None),
            "moves": selector.moves(now - dt.timedelta(days=MOVES_DAYS)),
            "ladder": ladder,
            "may_count": request.user.has_perm("common.run_jobrun"),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "loyalty/pyramid.html", context)

    def count_view(self, request: HttpRequest) -> HttpResponse:
        """Count now what the night would count."""
        if request.method != "POST" or not request.user.has_perm("common.run_jobrun"):
            raise PermissionDenied
        at = timezone.now()
        run = pyramid.count(at, at, requested_by=request.user)
        audit.record(actor(request), "loyalty.pyramid.count", run, gettext("The pyramid was counted."), at)
        messages.success(request, gettext("Spend, points and growth are counted up to yesterday."))
        return redirect("admin:loyalty_pyramidday_changelist")


def _by_key(sizes) -> dict[int, int]:
    return {tier.pk: members for tier, members in sizes}


def _rows(layers, counted: dict[int, PyramidDay], ladder: Ladder | None) -> list[dict]:
    """One row a tier: members now, what they brought, what they cost."""
    programme = programmes.current()
    costs = dict(ladder.rungs.values_list("tier_id", "benefit_cost")) if ladder else {}
    total = sum(layer.members for layer in layers)
    rows = []
    for layer in layers:
        night = counted.get(layer.tier.pk)
        heads = night.members if night else 0
        rows.append(
            {
                "tier": layer.tier,
                "members": words.number(layer.members),
                "share": pictures.share(layer.members, total),
                "growth": words.number(layer.mean_growth),
                "buyers": pictures.share(night.buyers, heads) if heads else "–",
                "cash": words.money(night.cash) if night else "–",
                "cash_each": words.money(night.cash // heads) if heads else "–",
                "points_each": words.number(night.points // heads) if heads else "–",
                "points": words.money(programmes.money_of(programme, night.points)) if night else "–",
                "benefits": words.money(costs.get(layer.tier.pk, 0) * layer.members),
            }
        )
    return rows
