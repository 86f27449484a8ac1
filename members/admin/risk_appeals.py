"""What members contest, decided by a person with a note that the member reads."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextareaWidget

from common.admin import confirm, tags, words
from common.admin.base import ReadOnlyAdmin, actor, refuse
from common.problems import Problem
from members.models import RiskAppeal
from members.services import risk_appeals

Status = RiskAppeal.Status


class NoteForm(forms.Form):
    note = forms.CharField(
        label=_("why so"),
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("The member reads this."),
    )


class UpholdForm(NoteForm):
    spare_days = forms.IntegerField(
        label=_("spare the member for (days)"),
        min_value=0,
        max_value=risk_appeals.MOST_DAYS,
        initial=30,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("So long the rules do not refuse the member this again. 0: not at all."),
    )


@admin.register(RiskAppeal)
class RiskAppealAdmin(ReadOnlyAdmin):
    """Appeals, open ones first in the filter; decided once."""

    empty = _("No member has contested a refusal.")
    list_display = ["member_link", "what", "state", "filed_at", "decided_at", "decided_by"]
    list_display_links = ["what"]
    list_filter = ["status", "refusal__action"]
    list_select_related = ["member", "refusal", "decided_by"]
    search_fields = ["=member__external_id", "text", "note"]
    search_help_text = _("A member's external id, or words of the appeal.")
    date_hierarchy = "filed_at"
    actions_detail = ["uphold", "dismiss"]
    fieldsets = [
        (None, {"fields": [("member_link", "state"), "refusal_link", "text", ("filed_at", "filed_by")]}),
        (_("Decision"), {"fields": [("decided_at", "decided_by"), "note"]}),
    ]
    readonly_fields = ["member_link", "state", "refusal_link"]

    def has_decide_permission(self, request: HttpRequest, object_id=None) -> bool:
        may = request.user.has_perm("members.decide_riskappeal")
        return may and RiskAppeal.objects.filter(pk=object_id, status=Status.OPEN).exists()

    @admin.display(description=_("member"), ordering="member__external_id")
    def member_link(self, appeal):
        return words.link(appeal.member)

    @admin.display(description=_("what was refused"))
    def what(self, appeal):
        return appeal.refusal.get_action_display()

    @admin.display(description=_("refusal"))
    def refusal_link(self, appeal):
        return words.link(appeal.refusal, f"{appeal.refusal.get_action_display()}: {appeal.refusal.reason}")

    @tags.tagged(_("state"), {Status.OPEN: tags.WAITING, Status.UPHELD: tags.GOOD})
    def state(self, appeal):
        return appeal.status, appeal.get_status_display()

    @action(description=_("The member was right"), icon="thumb_up", permissions=["decide"], url_path="uphold")
    def uphold(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Say what will happen, then end blocks and spare the member for a time."""
        says = [gettext("Blocks behind this refusal end now. What was lost by it you make good by hand.")]
        return self._decide(
            request, object_id, risk_appeals.uphold, UpholdForm, gettext("Was the member right?"), says,
            gettext("The member was right"),
        )  # fmt: skip

    @action(description=_("The refusal stands"), icon="gavel", permissions=["decide"], url_path="dismiss")
    def dismiss(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Say what will happen, then let the refusal stand."""
        says = [gettext("The member reads your note. It cannot be contested again.")]
        return self._decide(
            request, object_id, risk_appeals.dismiss, NoteForm, gettext("Does the refusal stand?"), says,
            gettext("The refusal stands"),
        )  # fmt: skip

    def _decide(self, request, object_id, verb, form_class, title, says, submit) -> HttpResponse:
        appeal = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = form_class(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                verb(appeal, **form.cleaned_data, actor=actor(request), at=timezone.now())
                messages.success(request, gettext("Decided."))
            except Problem as problem:
                refuse(request, problem)
            return redirect("admin:members_riskappeal_change", object_id)
        facts = [
            (gettext("What was refused"), appeal.refusal.get_action_display()),
            (gettext("Because"), appeal.refusal.reason),
            (gettext("What the member says"), appeal.text),
        ]
        return confirm.page(self, request, appeal, title=title, says=says, facts=facts, submit=submit, form=form)
