"""What risk rules met: the list, the overview with its picture, and the box on a member's page."""

from __future__ import annotations

import datetime as dt

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from import_export.fields import Field
from import_export.resources import ModelResource
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget

from common import clock
from common.admin import charts, confirm, panels, tags, words
from common.admin.base import ReadOnlyAdmin, actor, refuse
from common.admin.files import ExportAdminMixin
from common.problems import Problem
from members.admin import risk_words, safeguards
from members.models import Member, RiskAppeal, RiskListing, RiskRefusal
from members.selectors import risk_refusals
from members.services import risk_appeals, risk_listings

DAYS = 30
_SHOWN = 20
_COLOURS = ("#2563eb", "#db2777", "#d97706", "#0d9488", "#7c3aed", "#475569")


class TextForm(forms.Form):
    text = forms.CharField(
        label=_("what the member says"), max_length=2000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 4})
    )


class RefusalResource(ModelResource):
    rule = Field("version__rule__code", _("rule"))

    class Meta:
        model = RiskRefusal
        name = _("refusals")
        fields = ("subject", "action", "outcome", "is_shadow", "rule", "at")
        export_order = fields


@admin.register(RiskRefusal)
class RiskRefusalAdmin(ExportAdminMixin, ReadOnlyAdmin):
    """Every meeting of a rule or list with an attempt. Shadow rules are among them, marked."""

    import_export_change_list_template = "admin/import_export/change_list_export.html"
    resource_classes = [RefusalResource]
    empty = _("Nothing was refused, watched or met in shadow. Put a risk rule in force, or try one in shadow.")
    list_display = ["title", "member_link", "outcome_label", "by", "appeal_state", "at"]
    list_filter = ["is_shadow", "outcome", "action", "version__rule"]
    list_select_related = ["member", "version__rule", "listing__member", "appeal"]
    search_fields = ["=subject", "=reference"]
    search_help_text = _("A member's external id, or an event's source and id.")
    date_hierarchy = "at"
    actions_list = ["overview"]
    actions_detail = ["contest"]
    fieldsets = [
        (None, {"fields": [("title", "outcome_label"), ("member_link", "at"), ("by", "appeal_state"), "told"]}),
        (_("What was known"), {"fields": ["known", "reference"]}),
    ]
    readonly_fields = ["title", "member_link", "outcome_label", "by", "told", "known", "appeal_state"]

    def get_urls(self):
        view = self.admin_site.admin_view(self.board_view)
        return [path("overview/", view, name="members_riskrefusal_board"), *super().get_urls()]

    def has_contest_permission(self, request: HttpRequest, object_id=None) -> bool:
        may = request.user.has_perm("members.file_riskappeal")
        return may and RiskRefusal.objects.filter(pk=object_id, is_shadow=False, appeal=None).exists()

    @admin.display(description=_("what"), ordering="action")
    def title(self, met):
        return met.get_action_display()

    @admin.display(description=_("member"), ordering="subject")
    def member_link(self, met):
        return words.link(met.member) if met.member_id else met.subject

    @tags.tagged(_("then"), {**risk_words.OUTCOME_COLOURS, "shadow": ""})
    def outcome_label(self, met):
        return outcome(met)

    @admin.display(description=_("because of"))
    def by(self, met):
        return _by(met)

    @admin.display(description=_("what the member read"))
    def told(self, met):
        return gettext("Nothing: the rule ran in shadow.") if met.is_shadow else met.reason

    @admin.display(description=_("facts"))
    def known(self, met):
        return words.pairs(met.facts)

    @tags.tagged(_("contested"), {"open": tags.WAITING, "upheld": tags.GOOD})
    def appeal_state(self, met):
        appeal = getattr(met, "appeal", None)
        return (appeal.status, appeal.get_status_display()) if appeal else ("", "–")

    @action(description=_("Overview"), icon="monitoring", url_path="to-overview")
    def overview(self, request: HttpRequest) -> HttpResponse:
        """To the page with the picture."""
        return redirect("admin:members_riskrefusal_board")

    @action(
        description=_("Contest for the member"), icon="contact_support", permissions=["contest"], url_path="contest"
    )
    def contest(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The member called: write down what she says; somebody else decides."""
        met = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = TextForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                appeal = risk_appeals.file(met, form.cleaned_data["text"], actor(request), timezone.now())
                messages.success(request, gettext("Filed. Somebody else decides."))
                return redirect("admin:members_riskappeal_change", appeal.pk)
            except Problem as problem:
                refuse(request, problem)
        return confirm.page(
            self,
            request,
            met,
            title=gettext("Contest this for the member?"),
            says=[gettext("Somebody else than you decides, and the member reads the answer.")],
            facts=[(gettext("Because"), met.reason)],
            submit=gettext("Contest"),
            form=form,
        )

    def board_view(self, request: HttpRequest) -> HttpResponse:
        """The nine rules of the seed with what they did, refusals by day and rule, and what waits for somebody."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        today = clock.local_date(now)
        days = [today - dt.timedelta(days=ago) for ago in reversed(range(DAYS))]
        found = risk_refusals.by_day(days[0], today)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Risk"),
            "nine": [_safeguard(one, now - dt.timedelta(days=DAYS)) for one in safeguards.known()],
            "real": _chart(found, days, shadow=False),
            "shadow": _chart(found, days, shadow=True),
            "open_appeals": RiskAppeal.objects.filter(status=RiskAppeal.Status.OPEN).count(),
            "denied": RiskListing.objects.in_force(now).filter(kind=RiskListing.Kind.DENY).count(),
            "allowed": RiskListing.objects.in_force(now).filter(kind=RiskListing.Kind.ALLOW).count(),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "members/risk_board.html", context)


def _safeguard(one: safeguards.Safeguard, since: dt.datetime) -> dict:
    return {
        "number": one.number,
        "says": one.says,
        "link": reverse(f"admin:{one.page}"),
        "state": one.state(),
        "acted": words.number(one.acted(since)) if one.acted else gettext("not counted"),
    }


def _chart(found: dict, days: list[dt.date], *, shadow: bool) -> dict | None:
    """Bars by day, a colour a rule, the busiest rules first; None where nothing was met."""
    sums = {name: [by_day.get(day, (0, 0))[shadow] for day in days] for name, by_day in found.items()}
    names = sorted((name for name, values in sums.items() if any(values)), key=lambda name: -sum(sums[name]))
    if not names:
        return None
    bars = [
        {"label": name or gettext("Lists"), "data": sums[name], "backgroundColor": _COLOURS[place % len(_COLOURS)]}
        for place, name in enumerate(names)
    ]
    return charts.chart([date_format(day, "MONTH_DAY_FORMAT") for day in days], bars, legend=True, stacked=True)


def outcome(met: RiskRefusal) -> tuple[str, str]:
    """What followed, as a coloured word; in shadow nothing did."""
    if met.is_shadow:
        return "shadow", gettext("Only in shadow: %s") % risk_words.DONE[met.outcome]
    return met.outcome, risk_words.DONE[met.outcome]


def _by(met: RiskRefusal):
    return words.link(met.version) if met.version_id else words.link(met.listing)


def _met(member: Member, request: HttpRequest) -> dict:
    """What the member met, and what lists her now."""
    rows = [
        {
            "met": met,
            "link": words.link(met, met.get_action_display()),
            "outcome": tags.tag(outcome(met)[1], risk_words.OUTCOME_COLOURS.get(outcome(met)[0], "")),
            "by": _by(met),
            "told": "–" if met.is_shadow else met.reason,
            "appeal": words.link(met.appeal, met.appeal.get_status_display()) if hasattr(met, "appeal") else "–",
        }
        for met in risk_refusals.of(member)[:_SHOWN]
    ]
    listed = risk_listings.of(member, timezone.now()).select_related("member")
    lists = [
        {
            "link": words.link(entry, entry.get_kind_display()),
            "actions": risk_words.actions(entry.actions),
            "until": words.instant(entry.ends_at) if entry.ends_at else gettext("further notice"),
            "reason": entry.reason,
        }
        for entry in listed
    ]
    return {"rows": rows, "lists": lists}


panels.register_panel(
    Member._meta.label,
    panels.Panel("risk", _("Risk"), "members/panels/risk.html", _met, "members.view_riskrefusal", 60),
)
