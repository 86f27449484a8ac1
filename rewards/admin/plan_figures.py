"""A plan's page shows how it does."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.admin import panels, words
from members.models import Plan
from rewards.selectors import plan_figures


def _panel(plan: Plan, request: HttpRequest) -> dict:
    found = plan_figures.of(plan, timezone.now())
    return {
        "members": words.number(found.members),
        "spend_with": words.money(found.spend_with),
        "spend_without": words.money(found.spend_without),
        "renewal": None if found.renewal_percent is None else f"{found.renewal_percent} %",
        "ended": words.number(found.ended),
        "earned": words.money(found.revenue.earned),
        "deferred": words.money(found.revenue.deferred),
        "refunded": words.money(found.revenue.refunded),
    }


panels.register_panel(
    "members.Plan",
    panels.Panel("figures", _("In figures"), "members/plan_figures_panel.html", _panel, "members.view_planpurchase"),
)
