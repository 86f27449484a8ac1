"""Merchants' campaigns, gifts and messages, as operators see them: all of them, and the brake."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextInputWidget

from common.admin import confirm, jobs, tags, words
from common.admin.base import ReadOnlyAdmin, actor, refuse
from common.admin.preview import PreviewMixin
from common.problems import Problem
from merchants.admin import campaign_words
from merchants.models import CampaignGrant, MerchantCampaign, Message
from merchants.selectors import campaigns as selectors
from merchants.selectors import messages as message_selectors
from merchants.services import campaign_sends, campaigns

Status = MerchantCampaign.Status

jobs.register(campaign_sends.BIRTHDAYS, _("Birthday points of merchants"), campaign_sends.birthdays)


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("The merchant may ask for it."),
    )


@admin.register(MerchantCampaign)
class MerchantCampaignAdmin(PreviewMixin, ReadOnlyAdmin):
    """What merchants give from their purses. They write and start it; an operator can stop it."""

    empty = _("No merchant has a campaign yet.")
    list_display = ["name", "merchant", "status_label", "mode", "trigger", "starts_at", "ends_at", "given_of"]
    list_filter = ["status", "trigger", "mode"]
    list_select_related = ["club__merchant"]
    search_fields = ["name", "club__merchant__name", "club__merchant__code"]
    search_help_text = _("A campaign's name, or a merchant's name or code.")
    date_hierarchy = "starts_at"
    preview_template = "merchants/campaign_preview.html"
    actions_detail = ["stop"]
    fields = [
        "name", "merchant", "club", "mode", "trigger", "starts_at", "ends_at", "status_label", "given_of", "started_at",
        "started_by", "closed_at", "released",
    ]  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request):
        return selectors.with_sums(super().get_queryset(request))

    def has_stop_permission(self, request: HttpRequest, object_id=None) -> bool:
        if object_id is None or not request.user.has_perm("merchants.stop_merchantcampaign"):
            return request.user.has_perm("merchants.stop_merchantcampaign")
        campaign = self.get_object(request, str(object_id))
        return campaign is not None and campaign.status == Status.RUNNING

    @admin.display(description=_("merchant"), ordering="club__merchant__name")
    def merchant(self, campaign):
        return words.link(campaign.club.merchant)

    @tags.tagged(
        _("status"),
        {"draft": tags.WAITING, "running": tags.GOOD, "stopped": tags.BAD, "ended": tags.NEWS, "empty": tags.NEWS},
    )
    def status_label(self, campaign):
        return campaign.status, campaign.get_status_display()

    @admin.display(description=_("given of the budget"))
    def given_of(self, campaign):
        return f"{words.number(campaign.given)} / {words.number(campaign.budget)}"

    def preview(self, obj, inlines):
        return campaign_words.preview(obj)

    @action(description=_("Stop"), icon="stop_circle", permissions=["stop"])
    def stop(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Let a merchant's campaign give nothing more, with a reason."""
        campaign = get_object_or_404(MerchantCampaign, pk=object_id)
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                campaigns.stop(campaign, actor(request), timezone.now(), reason=form.cleaned_data["reason"])
                messages.success(request, gettext("The campaign is stopped; the rest is back in the purse."))
            except Problem as problem:
                refuse(request, problem)
            return redirect("admin:merchants_merchantcampaign_change", object_id)
        left = words.number(selectors.results(campaign).left)
        says = [
            gettext("It gives nothing more. %s points go back to the merchant; members keep what they have.") % left
        ]
        title = gettext("Stop this merchant's campaign?")
        return confirm.page(self, request, campaign, title=title, says=says, submit=gettext("Stop"), form=form)


@admin.register(CampaignGrant)
class CampaignGrantAdmin(ReadOnlyAdmin):
    """Every gift of every merchant's campaign, and every refusal with its reason."""

    empty = _("No merchant's campaign has given anything yet.")
    list_display = ["at", "campaign", "member", "occasion_words", "points", "returned", "answer"]
    list_filter = ["refusal"]
    list_select_related = ["campaign", "card__member"]
    search_fields = ["=card__member__external_id", "=occasion", "campaign__name"]
    search_help_text = _("A member's external id, a campaign's name, or order:CODE.")
    fields = ["at", "campaign", "member", "occasion_words", "points", "returned", "answer", "lot"]
    readonly_fields = fields

    @admin.display(description=_("member"))
    def member(self, grant):
        return words.link(grant.card.member)

    @admin.display(description=_("occasion"))
    def occasion_words(self, grant):
        return campaign_words.occasion(grant.occasion)

    @tags.tagged(_("answer"), {"": tags.GOOD, "budget": tags.BAD, "cap": tags.WAITING, "left": tags.WAITING})
    def answer(self, grant):
        return grant.refusal, grant.get_refusal_display() or gettext("Given")


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """What merchants wrote to their members. To whom it went is known to nobody."""

    empty = _("No merchant has written to its members yet.")
    list_display = ["title", "merchant", "status", "sent_at", "reached_about"]
    list_filter = ["status"]
    list_select_related = ["club__merchant"]
    search_fields = ["title", "text", "club__merchant__name"]
    fields = ["title", "text", "merchant", "audience", "status", "sent_at", "sent_by", "reached_about"]
    readonly_fields = fields

    @admin.display(description=_("merchant"), ordering="club__merchant__name")
    def merchant(self, message):
        return words.link(message.club.merchant)

    @admin.display(description=_("members reached"))
    def reached_about(self, message):
        return "–" if message.reached is None else words.number(message_selectors.about(message.reached))
