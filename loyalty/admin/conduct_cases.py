"""Where a person decides: cases of members whose coefficient would fall to nothing, and returns that are excused."""

from __future__ import annotations

from collections.abc import Callable

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextareaWidget

from common.admin import confirm, panels, tags, words
from common.admin.base import ReadOnlyAdmin, actor, refuse
from common.models import Look
from common.problems import Problem
from loyalty.admin import conduct_words
from loyalty.models import Coefficient, ConductCase, OrderLine
from loyalty.selectors import conduct as selector
from loyalty.services import conduct
from members.models import Member

COLOURS = {"open": tags.WAITING, "approved": tags.BAD, "dismissed": tags.GOOD, "withdrawn": tags.NEWS}
_HISTORY = 12
_SHOWN = 20


class NoteForm(forms.Form):
    """Why: kept with the decision and in the audit log."""

    note = forms.CharField(
        label=_("why"),
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("The member may ask for the reason: write what can be said to the member."),
    )


class ExcuseForm(NoteForm):
    """Which returns are not held against the member."""

    lines = forms.ModelMultipleChoiceField(
        label=_("returns that do not count"), queryset=None, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    field_order = ["lines", "note"]

    def __init__(self, *args, evidence: selector.Evidence, **kwargs):
        super().__init__(*args, **kwargs)
        held = {row["line"].pk: row for row in conduct_words.returns(evidence.held)}
        self.fields["lines"].queryset = OrderLine.objects.filter(pk__in=held).order_by("-pk")
        self.fields["lines"].label_from_instance = lambda line: _one_line(held[line.pk])


def _one_line(row: dict) -> str:
    return f"{row['line'].order.code}: {row['product']}, {row['cash']} – {row['why']}"


@admin.register(ConductCase)
class ConductCaseAdmin(ReadOnlyAdmin):
    """Nobody's growth falls to nothing by machine (PIPL 24): these wait for a person, or were decided by one."""

    empty = _("Nobody waits for a decision. Members whose coefficient would fall to 0 come here first.")
    list_display = ["title", "status_label", "grounds", "present", "opened_at", "decided_by"]
    list_display_links = ["title"]
    list_filter = ["status"]
    list_select_related = ["member__standing", "policy", "decided_by"]
    search_fields = ["=member__external_id", "member__name"]
    search_help_text = _("A member's external id or name.")
    date_hierarchy = "opened_at"
    actions_detail = ["approve", "dismiss", "excuse"]
    readonly_fields = ["member_link", "status_label", "grounds", "present", "returns"]

    def get_fieldsets(self, request, obj=None):
        rows = [("member_link", "status_label"), ("present", "opened_at"), "grounds"]
        rows += [("decided_by", "decided_at"), "note"] if obj and obj.status != ConductCase.Status.OPEN else []
        return [(None, {"fields": rows}), (_("What came back without cause"), {"fields": ["returns"]})]

    def get_urls(self):
        """Excusing returns is also done from a member's page, where there may be no case."""
        view = self.admin_site.admin_view(self.excuse_view)
        return [path("excuse/<int:member_id>/", view, name="loyalty_conductcase_excuse_member"), *super().get_urls()]

    def has_decide_permission(self, request: HttpRequest, object_id=None) -> bool:
        """Whoever decides about conduct, for a case that is open."""
        may = request.user.has_perm("loyalty.decide_conductcase")
        return may and ConductCase.objects.filter(pk=object_id, status=ConductCase.Status.OPEN).exists()

    # What it shows ------------------------------------------------------------------------------------------

    @admin.display(description=_("case"), ordering="member__external_id")
    def title(self, case):
        return str(case)

    @admin.display(description=_("member"))
    def member_link(self, case):
        return words.link(case.member)

    @tags.tagged(_("state"), COLOURS)
    def status_label(self, case):
        return case.status, case.get_status_display()

    @admin.display(description=_("because"))
    def grounds(self, case):
        return conduct_words.grounds(case.policy, case.conduct)

    @admin.display(description=_("coefficient now"))
    def present(self, case):
        standing = getattr(case.member, "standing", None)
        return conduct_words.step(standing.coefficient_percent) if standing else "–"

    @admin.display(description=_("as it stands now"))
    def returns(self, case):
        evidence = selector.evidence(case.member, timezone.now())
        return render_to_string("loyalty/conduct_returns.html", {"returns": conduct_words.returns(evidence.lines)})

    # What it does -------------------------------------------------------------------------------------------

    @action(description=_("Approve: no growth"), icon="gavel", permissions=["decide"])
    def approve(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Let the coefficient fall to nothing, with a reason."""
        case = self._case(object_id)
        says = [
            gettext("From now on %s gets no growth, until the conduct of a later month is better.") % case.member,
            gettext("Growth that was given stays. The member is told, and may contest it."),
        ]
        return self._decide(request, case, conduct.approve, gettext("Approve: no growth"), says)

    @action(description=_("Dismiss"), icon="shield", permissions=["decide"])
    def dismiss(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Let the member keep the present coefficient, with a reason."""
        case = self._case(object_id)
        says = [
            gettext("%(member)s keeps the coefficient %(step)s.") % {"member": case.member, "step": self.present(case)},
            gettext("The case does not come back before the facts change."),
        ]
        return self._decide(request, case, conduct.dismiss, gettext("Dismiss"), says)

    def _case(self, object_id: int) -> ConductCase:
        return get_object_or_404(ConductCase.objects.select_related("member__standing", "policy"), pk=object_id)

    def _decide(self, request, case: ConductCase, verb: Callable, title: str, says: list[str]) -> HttpResponse:
        form = NoteForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                verb(case, form.cleaned_data["note"], actor(request), timezone.now())
                messages.success(request, gettext("The case is decided."))
            except Problem as problem:
                refuse(request, problem)
            return redirect("admin:loyalty_conductcase_change", case.pk)
        facts = [(gettext("Because"), self.grounds(case)), (gettext("Evidence"), self.returns(case))]
        return confirm.page(self, request, case, title=f"{title}?", says=says, facts=facts, submit=title, form=form)

    @action(description=_("Excuse returns"), icon="rule", permissions=["decide"])
    def excuse(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Choose returns that do not count after all."""
        return redirect("admin:loyalty_conductcase_excuse_member", self._case(object_id).member_id)

    def excuse_view(self, request: HttpRequest, member_id: int) -> HttpResponse:
        """What contesting a coefficient leads to: returns are taken off the member's record, who is rated again."""
        if not request.user.has_perm("loyalty.decide_conductcase"):
            raise PermissionDenied
        member, now = get_object_or_404(Member, pk=member_id), timezone.now()
        self.note_look(request, Look.Kind.PAGE, subject=member.external_id)
        form = ExcuseForm(request.POST or None, evidence=selector.evidence(member, now))
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            try:
                conduct.excuse(member, list(data["lines"]), data["note"], actor(request), now)
                messages.success(request, gettext("The returns no longer count; %s was rated again.") % member)
            except Problem as problem:
                refuse(request, problem)
            return redirect("admin:members_member_change", member_id)
        says = [
            gettext("Returns that you choose here are held against %s no longer; the rating follows at once.") % member
        ]
        return confirm.page(
            self, request, None, title=gettext("Excuse returns"), says=says, submit=gettext("Excuse"), form=form
        )


# The member's page --------------------------------------------------------------------------------------------


def _panel(member: Member, request: HttpRequest) -> dict:
    """The step, what it rests on, how it came about, and who can change it."""
    evidence = selector.evidence(member, timezone.now())
    history = Coefficient.objects.filter(member=member).select_related("policy", "case__decided_by")[:_HISTORY]
    policy, verdict = evidence.policy, evidence.verdict
    case = ConductCase.objects.filter(member=member, status=ConductCase.Status.OPEN).first()
    may = request.user.has_perm("loyalty.decide_conductcase") and bool(evidence.held)
    return {
        "step": conduct_words.step(verdict.present),
        "grounds": conduct_words.grounds(policy, verdict.conduct) if policy else "",
        "window": conduct_words.window(evidence.first_day, evidence.end_day) if policy and not policy.by_score else "",
        "deserved": conduct_words.step(verdict.deserved) if verdict.deserved != verdict.present else "",
        "case": words.link(case, gettext("A person has to decide")) if case else "",
        "returns": conduct_words.returns(evidence.lines[:_SHOWN]),
        "breaches": [
            {"row": row, "link": words.link(row, row.get_kind_display()), "order": row.order_code}
            for row in evidence.breaches
        ],
        "more": words.number(len(evidence.lines) - _SHOWN) if len(evidence.lines) > _SHOWN else "",
        "history": [
            {
                "row": row,
                "from_to": f"{conduct_words.step(row.before)} → {conduct_words.step(row.after)}",
                "because": conduct_words.grounds(row.policy, row.conduct),
                "by": row.case.decided_by if row.case else "",
            }
            for row in history
        ],
        "excuse": reverse("admin:loyalty_conductcase_excuse_member", args=[member.pk]) if may else "",
    }


panels.register_panel(
    Member._meta.label,
    panels.Panel(
        "conduct", _("Growth coefficient"), "loyalty/panels/conduct.html", _panel, "loyalty.view_coefficient", 50
    ),
)
