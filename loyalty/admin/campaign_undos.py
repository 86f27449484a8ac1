"""Undoing a campaign: what it has granted and who has spent it, what each policy would do, a proposal, a second person."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget

from common.admin import confirm, tags, words
from common.admin.base import Admin, ReadOnlyAdmin, actor, refuse
from common.models import Look
from common.problems import Problem
from loyalty.admin import holders, undo_words
from loyalty.models import CampaignUndo, UndoneLot
from loyalty.selectors import campaign_undos as selectors
from loyalty.selectors.campaign_undos import Target
from loyalty.services import campaign_undos

Policy, Status = CampaignUndo.Policy, CampaignUndo.Status


class UndoForm(forms.Form):
    """Which policy, and why."""

    policy = forms.ChoiceField(label=_("what is taken back"), widget=UnfoldAdminRadioSelectWidget)
    reason = forms.CharField(
        label=_("reason"),
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("Whoever approves reads this, and so may members who ask."),
    )

    def __init__(self, *args, choices: list[tuple[str, str]], **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["policy"].choices = choices


def may_propose(request: HttpRequest, model: type[Model], object_id) -> bool:
    """Whoever may, for what has been started and is not undone or about to be."""
    if not request.user.has_perm("loyalty.propose_campaignundo"):
        return False
    target = model._default_manager.filter(pk=object_id).exclude(status__in=["draft", "undone"]).first()
    return target is not None and selectors.of(target) is None


def ask(model_admin: Admin, request: HttpRequest, target: Target) -> HttpResponse:
    """Show what would happen by each policy; a POST proposes it."""
    now = timezone.now()
    fates = selectors.whole(target, now)
    consequences = undo_words.consequences(fates)
    form = UndoForm(request.POST or None, choices=consequences, initial={"policy": Policy.UNSPENT})
    if request.method == "POST" and form.is_valid():
        try:
            undo = campaign_undos.propose(target, **form.cleaned_data, actor=actor(request), at=now)
            messages.success(
                request, gettext("The undoing is proposed. Nothing changes until a colleague approves it.")
            )
            return redirect("admin:loyalty_campaignundo_change", undo.pk)
        except Problem as problem:
            refuse(request, problem)
    people = undo_words.people(target, now)
    model_admin.note_look(request, Look.Kind.LIST, rows=len(people))
    return confirm.page(
        model_admin,
        request,
        target,
        title=gettext("Undo everything this campaign has granted?"),
        says=[
            gettext("You propose, a colleague approves; then it is carried out within a minute, member by member."),
            gettext("Until then the campaign goes on: stop it first if it still gives."),
        ],
        submit=gettext("Propose"),
        form=form,
        template="loyalty/undo_ask.html",
        **undo_words.picture(fates),
        people=people,
    )


@admin.register(CampaignUndo)
class CampaignUndoAdmin(ReadOnlyAdmin):
    """Campaigns that were undone or are about to be."""

    empty = _("No campaign was ever undone. It is proposed from a campaign's page.")
    list_display = ["campaign_link", "state", "policy", "proposed_at", "proposed_by", "approved_by"]
    list_filter = ["status", "policy"]
    list_select_related = ["gift_campaign", "campaign", "proposed_by", "approved_by"]
    search_fields = ["gift_campaign__name", "campaign__name", "reason"]
    search_help_text = _("A campaign, or words of the reason.")
    actions_detail = ["approve", "withdraw"]
    change_form_template = "loyalty/undo_change_form.html"
    fieldsets = [
        (None, {"fields": [("campaign_link", "state"), "policy", "reason"]}),
        (_("Decision"), {"fields": [("proposed_at", "proposed_by"), ("approved_at", "approved_by"), "done_at"]}),
    ]
    readonly_fields = ["campaign_link", "state"]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        undo = self.get_object(request, object_id)
        if undo is not None:
            shown = undo_words.show(undo, timezone.now())
            self.note_look(request, Look.Kind.LIST, rows=len(shown.get("people", [])))
            extra_context = {**(extra_context or {}), **shown}
        return super().change_view(request, object_id, form_url, extra_context)

    def _may(self, request: HttpRequest, object_id, permission: str) -> bool:
        may = request.user.has_perm(f"loyalty.{permission}_campaignundo")
        return may and CampaignUndo.objects.filter(pk=object_id, status=Status.PROPOSED).exists()

    def has_approve_permission(self, request: HttpRequest, object_id=None) -> bool:
        return self._may(request, object_id, "approve")

    def has_withdraw_permission(self, request: HttpRequest, object_id=None) -> bool:
        return self._may(request, object_id, "propose")

    @admin.display(description=_("campaign"))
    def campaign_link(self, undo):
        return words.link(undo.target)

    @tags.tagged(
        _("status"),
        {
            Status.PROPOSED: tags.WAITING, Status.WITHDRAWN: "", Status.APPROVED: tags.NEWS, Status.DONE: tags.GOOD,
        },
    )  # fmt: skip
    def state(self, undo):
        return undo.status, undo.get_status_display()

    @action(description=_("Approve"), icon="done_all", permissions=["approve"])
    def approve(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Say what will happen, counted anew, then let it be carried out; by a second person."""
        undo = get_object_or_404(CampaignUndo, pk=object_id)
        if request.method == "POST":
            return self._do(
                request, undo, campaign_undos.approve, gettext("Approved: it is carried out within a minute.")
            )
        fates = selectors.whole(undo.target, timezone.now())
        says = [
            dict(undo_words.consequences(fates))[undo.policy],
            gettext("The campaign ends for good. This cannot be undone."),
        ]
        facts = [(gettext("Reason"), undo.reason), (gettext("Proposed by"), undo.proposed_by)]
        return confirm.page(
            self,
            request,
            undo,
            title=gettext("Approve the undoing?"),
            says=says,
            facts=facts,
            submit=gettext("Approve"),
            template="loyalty/undo_ask.html",
            **undo_words.picture(fates),
        )

    @action(description=_("Withdraw"), icon="cancel", permissions=["withdraw"])
    def withdraw(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Give the proposal up, after asking."""
        undo = get_object_or_404(CampaignUndo, pk=object_id)
        if request.method == "POST":
            return self._do(request, undo, campaign_undos.withdraw, gettext("The proposal is withdrawn."))
        says = [gettext("Nothing is taken back. It can be proposed anew.")]
        title, submit = gettext("Withdraw the proposal?"), gettext("Withdraw")
        return confirm.page(self, request, undo, title=title, says=says, submit=submit)

    def _do(self, request, undo, verb, done):
        try:
            verb(undo, actor(request), timezone.now())
            messages.success(request, done)
        except Problem as problem:
            refuse(request, problem)
        return redirect("admin:loyalty_campaignundo_change", undo.pk)


@admin.register(UndoneLot)
class UndoneLotAdmin(ReadOnlyAdmin):
    """What was done about each grant of an undone campaign."""

    empty = _("Nothing was ever taken back from an undone campaign.")
    list_display = ["at", "undo", "holder", "granted", "taken", "others", "debt", "kept"]
    list_select_related = ["undo__gift_campaign", "undo__campaign", "lot__account__wallet__member"]
    search_fields = ["=lot__account__wallet__member__external_id", "undo__gift_campaign__name", "undo__campaign__name"]
    search_help_text = _("A member's external id, or a campaign.")
    fields = ["undo", "holder", "lot", "granted", "taken", "others", "debt", "kept", "at"]
    readonly_fields = fields

    @admin.display(description=_("holder"))
    def holder(self, row):
        return holders.link(row.lot.account)

    @admin.display(description=_("granted"))
    def granted(self, row):
        return words.number(row.lot.earned)
