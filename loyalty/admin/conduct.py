"""Coefficient policies, and the history of members' coefficients."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from common.admin import words
from common.admin.base import ReadOnlyAdmin
from common.admin.filters import whether
from common.admin.preview import PreviewMixin
from loyalty.admin import conduct_words
from loyalty.admin.editions import EditionAdmin, PartInline
from loyalty.models import Coefficient, CoefficientBand, CoefficientPolicy
from loyalty.selectors import conduct
from members.models import Member


class BandInline(PartInline):
    """The steps of a policy."""

    model = CoefficientBand
    fields = ["up_to_permille", "from_score", "percent"]
    hide_title = True
    verbose_name_plural = _("Bands: the first that holds counts, from the best to the worst")


@admin.register(CoefficientPolicy)
class CoefficientPolicyAdmin(PreviewMixin, EditionAdmin):
    """Which conduct leads to which growth coefficient (domain.md F2)."""

    empty = _(
        "No coefficient policy yet, so growth counts as it is for everybody. Write a draft; a colleague publishes it."
    )
    inlines = [BandInline]
    preview_template = "loyalty/conduct_policy_words.html"
    actions_detail = ["publish", "draft_from", "try_out"]
    fieldsets = [
        (None, {"fields": ["note", "source"]}),
        (
            _("What came back"),
            {"fields": [("window_months", "basis"), ("alpha", "beta"), ("min_lines", "breach_lines")]},
        ),
    ]
    settled_fieldsets = [(None, {"fields": ["note"]})]
    conditional_fields = dict.fromkeys(
        ("window_months", "basis", "alpha", "beta", "min_lines", "breach_lines"), "source == 'return_ratio'"
    )

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("bands")

    def preview(self, obj, inlines):
        """How members are judged, and step by step."""
        rows = obj.bands.all() if inlines is None else inlines
        return {"sentences": conduct_words.policy(obj), "bands": conduct_words.bands(obj, rows)}

    def says(self, edition):
        """How members are judged, then its bands."""
        said = {
            _("Members are judged by"): edition.get_source_display(),
            _("How"): " ".join(conduct_words.policy(edition)),
        }
        return said | dict(conduct_words.bands(edition, edition.bands.all()))

    def consequences(self, edition):
        """When members feel it, and how many."""
        said = [
            gettext("Members are rated by it from the first of the next month on; growth they have stays as it is.")
        ]
        if edition.faults():
            return said
        outlook = conduct.outlook(edition, timezone.now())
        changed = sum(number for (before, after), number in outlook.moves.items() if before != after)
        numbers = {
            "changed": conduct_words.members(changed),
            "all": words.number(outlook.looked_at),
            "nothing": words.number(outlook.to_nothing),
        }
        text = gettext(
            "Now it would change %(changed)s of %(all)s; for %(nothing)s of them a person would have to decide."
        )
        return [*said, text % numbers]

    @action(description=_("Try it on the members"), icon="query_stats")
    def try_out(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """How many members each step has now and would have; who would fall to nothing. Nothing is saved."""
        policy = get_object_or_404(self.get_queryset(request), pk=object_id)
        outlook = conduct.outlook(policy, timezone.now())
        names = Member.objects.in_bulk([verdict.member_id for verdict in outlook.accused])
        accused = [
            (words.link(names[verdict.member_id]), conduct_words.grounds(policy, verdict.conduct))
            for verdict in outlook.accused
        ]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("What this policy would make of the members"),
            "subtitle": str(policy),
            "original": policy,
            "policy": policy,
            "faults": policy.faults(),
            "rows": _steps(outlook),
            "outlook": outlook,
            "sampled": outlook.looked_at < outlook.members,
            "accused": accused,
            "more": outlook.to_nothing - len(accused),
            "back": reverse("admin:loyalty_coefficientpolicy_change", args=[policy.pk]),
        }
        return TemplateResponse(request, "loyalty/conduct_outlook.html", context)


def _steps(outlook: conduct.Outlook) -> list[dict]:
    """Step by step, how many members now and then; bars in per cent of all."""
    percents = sorted({percent for move in outlook.moves for percent in move}, reverse=True)
    all_ = outlook.looked_at or 1
    rows = []
    for percent in percents:
        now = sum(number for (before, _after), number in outlook.moves.items() if before == percent)
        then = sum(number for (_before, after), number in outlook.moves.items() if after == percent)
        rows.append(
            {
                "step": conduct_words.step(percent),
                "now": now,
                "then": then,
                "change": words.signed(then - now),
                "now_width": now * 100 // all_,
                "then_width": then * 100 // all_,
            }
        )
    return rows


@admin.register(Coefficient)
class CoefficientAdmin(ReadOnlyAdmin):
    """Every change of a member's growth coefficient, with what it rests on."""

    empty = _("No coefficient has changed yet: everybody's growth counts as it is.")
    list_display = ["at", "member_link", "from_to", "grounds", "decided_by", "policy"]
    list_filter = ["after", whether("case", _("With a case"), _("Without a case"))]
    list_select_related = ["member", "policy", "case__decided_by"]
    search_fields = ["=member__external_id"]
    search_help_text = _("A member's external id.")
    date_hierarchy = "at"
    fields = ["member_link", "from_to", "grounds", "decided_by", "policy", "at"]
    readonly_fields = ["member_link", "from_to", "grounds", "decided_by"]

    @admin.display(description=_("member"))
    def member_link(self, coefficient):
        return words.link(coefficient.member)

    @admin.display(description=_("coefficient"), ordering="after")
    def from_to(self, coefficient):
        return f"{conduct_words.step(coefficient.before)} → {conduct_words.step(coefficient.after)}"

    @admin.display(description=_("because"))
    def grounds(self, coefficient):
        return conduct_words.grounds(coefficient.policy, coefficient.conduct)

    @admin.display(description=_("decided by"))
    def decided_by(self, coefficient):
        return words.link(coefficient.case, coefficient.case.decided_by) if coefficient.case else gettext("the rating")
