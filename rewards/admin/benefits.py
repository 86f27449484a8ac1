"""The catalogue of benefits, and the matrix: who gets what, what is made of it, what it costs (domain.md S2-14, S2-17)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, Prefetch, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common import clock
from common.admin import tags, words
from common.admin.base import AuditedAdmin
from common.admin.money import MoneyField
from rewards.admin import benefit_words
from rewards.admin.packs import PackItemInline
from rewards.models import Benefit, BenefitGrant
from rewards.selectors import benefit_costs, benefit_usage, packs

DAYS = 30


class BenefitForm(forms.ModelForm):
    """A benefit; prices are typed as money."""

    unit_cost = MoneyField(label=_("cost of one use"), initial=0, help_text=_("What one use costs us (F20)."))
    settlement_price = MoneyField(
        label=_("settlement price"),
        initial=0,
        help_text=_("What the issuer pays for each use to the merchant where it was used."),
    )

    class Meta:
        model = Benefit
        fields = [
            "code", "name", "description", "kind", "saves", "mode", "icon", "colour", "issuer", "accepted_by",
            "settlement_price", "unit_cost", "expected_permille", "is_active", "starts_at", "ends_at", "category",
            "least_credit", "goods_within_days", "days_before", "valid_days", "leap_day",
        ]  # fmt: skip
        widgets = {"colour": forms.TextInput(attrs={"type": "color", "class": "lp-colour"})}

    def __init__(self, *args, **kwargs):
        """Grants have parameters of the benefit's kind, so it stays; which settings are shown depends on it."""
        super().__init__(*args, **kwargs)
        if self.instance.pk and "kind" in self.fields:
            self.fields["kind"].disabled = True


@admin.register(Benefit)
class BenefitAdmin(AuditedAdmin):
    """What members can be given. A benefit is switched off, not deleted: its uses stay."""

    empty = _("No benefit yet. Add one, then grant it to a tier, a plan or another group.")
    form = BenefitForm
    list_display = ["looks", "kind", "saves_label", "gates", "issuer_label", "cost_label", "state_label"]
    list_display_links = ["looks"]
    list_filter = ["saves", "mode", "kind", "issuer", "is_active"]
    list_select_related = ["issuer"]
    search_fields = ["name", "code"]
    search_help_text = _("A name or a code.")
    prepopulated_fields = {"code": ["name"]}
    autocomplete_fields = ["issuer", "accepted_by"]
    fieldsets = [
        (
            None,
            {"fields": [("name", "code"), "description", ("kind", "is_active"), ("saves", "mode"), ("icon", "colour")]},
        ),
        (
            _("Settings of this kind"),
            {
                "fields": [
                    "category",
                    ("least_credit", "goods_within_days"),
                    ("days_before", "valid_days", "leap_day"),
                ]
            },
        ),
        (_("What it costs"), {"fields": [("unit_cost", "expected_permille")]}),
        (_("Who issues and who accepts it"), {"fields": ["issuer", "accepted_by", "settlement_price"]}),
        (_("When"), {"fields": [("starts_at", "ends_at")]}),
    ]
    conditional_fields = {
        "category": "kind == 'category_discount'",
        "least_credit": "kind == 'instant_refund'",
        "goods_within_days": "kind == 'instant_refund'",
        "days_before": "kind == 'birthday_pack'",
        "valid_days": "kind == 'birthday_pack'",
        "leap_day": "kind == 'birthday_pack'",
    }

    def get_inlines(self, request, obj):
        return [PackItemInline] if obj and obj.kind in Benefit.HANDED_OUT else []

    def get_queryset(self, request):
        waiting = packs.owed().filter(use__benefit=OuterRef("pk")).order_by().values("use__benefit")
        named = ("tier", "medal_level__medal", "plan", "threshold", "club", "segment")
        in_force = BenefitGrant.objects.in_force(timezone.now()).select_related(*named)
        return (
            super()
            .get_queryset(request)
            .annotate(owed=Subquery(waiting.annotate(count=Count("pk")).values("count")))
            .prefetch_related(
                Prefetch("grants", in_force, to_attr="current"),
                "bundle_items__bundle",
                Prefetch("bundle_items__bundle__grants", in_force, to_attr="current"),
            )
        )

    def get_readonly_fields(self, request, obj=None):
        """The shop knows a benefit by its code."""
        return ["code"] if obj else []

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else self.prepopulated_fields

    def has_delete_permission(self, request, obj=None):
        return False

    def get_urls(self):
        view = self.admin_site.admin_view(self.matrix_view)
        return [path("matrix/", view, name="rewards_benefit_matrix"), *super().get_urls()]

    @admin.display(description=_("benefit"), ordering="name")
    def looks(self, benefit):
        return benefit_words.badge(benefit)

    @tags.tagged(_("class"), {"money": tags.GOOD, "trouble": tags.NEWS})
    def saves_label(self, benefit):
        return benefit.saves, benefit.get_saves_display()

    @admin.display(description=_("who has it"))
    def gates(self, benefit):
        bundled = (grant for item in benefit.bundle_items.all() for grant in item.bundle.current)
        return "; ".join(dict.fromkeys(grant.whom for grant in [*benefit.current, *bundled])) or "–"

    @admin.display(description=_("issued by"), ordering="issuer")
    def issuer_label(self, benefit):
        return benefit_words.party(benefit.issuer)

    @admin.display(description=_("cost of one use"), ordering="unit_cost")
    def cost_label(self, benefit):
        return words.money(benefit.unit_cost)

    @tags.tagged(_("state"), {"on": tags.GOOD, "off": tags.WAITING, "owed": tags.BAD})
    def state_label(self, benefit):
        if benefit.owed:
            return "owed", gettext("%s gifts owed") % words.number(benefit.owed)
        is_on = benefit.is_on(timezone.now())
        return ("on", gettext("On")) if is_on else ("off", gettext("Off"))

    # Who gets what ------------------------------------------------------------------------------------------

    def matrix_view(self, request: HttpRequest) -> HttpResponse:
        """Benefits × tiers: what each tier has, the share of members who used it, and what all of it costs."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        today = clock.local_date(now)
        since = today - dt.timedelta(days=DAYS)
        report = benefit_usage.report(since, today + dt.timedelta(days=1), now)
        costs = benefit_costs.estimate(now)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Who gets what"),
            "tiers": report.tiers,
            "groups": [
                {"title": label, "rows": [_row(row, report) for row in report.rows if row.benefit.saves == saves]}
                for saves, label in Benefit.Saves.choices
            ],
            "totals": [_cell(report.by_tier.get(tier.pk)) for tier in report.tiers],
            "total": _cell(report.total),
            "costs": [cost_row(cost) for cost in costs],
            "days": DAYS,
            "swing": benefit_costs.SWING,
            "is_empty": not report.rows,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "rewards/benefit_matrix.html", context)


def _row(row: benefit_usage.Row, report: benefit_usage.Report) -> dict[str, Any]:
    return {
        "benefit": benefit_words.badge(row.benefit),
        "link": words.link(row.benefit, benefit_words.badge(row.benefit)),
        "cells": [
            {
                "has": tier.pk in row.values,
                "value": benefit_words.value(row.benefit, row.values[tier.pk][0]) if tier.pk in row.values else "",
                **_cell(row.by_tier.get(tier.pk)),
            }
            for tier in report.tiers
        ],
        "total": _cell(row.total),
    }


def _cell(usage: benefit_usage.Usage | None) -> dict[str, Any]:
    usage = usage or benefit_usage.NOTHING
    permille = usage.permille
    return {
        "entitled": words.number(usage.entitled),
        "some": bool(usage.entitled),
        "users": words.number(usage.users),
        "uses": words.number(usage.uses),
        "cost": words.money(usage.cost),
        "share": benefit_words.share(permille),
        # Little use is seen too: the tint begins at 10 %.
        "tint": 10 + min(permille, 1000) * 50 // 1000 if permille else 0,
    }


def cost_row(cost: benefit_costs.TierCost) -> dict[str, Any]:
    """What a tier's benefits cost, as pages show it."""
    percent = cost.then * 100 // cost.budget if cost.budget else None
    return {
        "tier": cost.tier,
        "members": words.number(cost.members),
        "now": words.money(cost.now),
        "then": words.money(cost.then),
        "more": cost.then > cost.now,
        "range": f"{words.money(cost.low)} – {words.money(cost.high)}",
        "each": words.money(-(-cost.then // cost.members)) if cost.members else "–",
        "budget": words.money(cost.budget),
        "percent": min(percent, 100) if percent is not None else None,
        "hot": percent is not None and percent >= 90,
        "bears": None if cost.bears_percent is None else words.number(cost.bears_percent),
        "contribution": words.money(cost.contribution),
        "fault": cost.fault,
    }
