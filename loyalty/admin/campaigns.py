from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from common.admin import confirm, tags, words
from common.admin.base import HistoryAdmin, actor, refuse
from common.admin.seen import SeenForm, agreed, digest
from common.problems import Problem
from loyalty.admin import campaign_undos
from loyalty.models import Campaign
from loyalty.services import campaigns, rules


class CampaignForm(forms.ModelForm):
    class Meta:
        model = Campaign
        fields = ["name", "code", "starts_at", "ends_at", "budget", "funder"]

    def clean_budget(self):
        budget = self.cleaned_data["budget"]
        if budget is not None and budget < self.instance.spent:
            spent = words.number(self.instance.spent)
            raise forms.ValidationError(gettext("%s points are spent already; the budget cannot be less.") % spent)
        return budget

    def clean(self):
        data = super().clean()
        if data.get("starts_at") and data.get("ends_at") and data["ends_at"] <= data["starts_at"]:
            self.add_error("ends_at", gettext("The end comes after the start."))
        return data


@admin.register(Campaign)
class CampaignAdmin(HistoryAdmin):
    """Time windows with a budget. Rules draw on them; a colleague of the author starts them."""

    empty = _("No campaign yet. A campaign gives rules a time window, a budget and somebody who pays.")
    form = CampaignForm
    list_display = ["name", "status_label", "starts_at", "ends_at", "budget_bar", "paid_by"]
    list_filter = ["status"]
    list_select_related = ["funder"]
    search_fields = ["name", "code"]
    search_help_text = _("A name or a code.")
    date_hierarchy = "starts_at"
    prepopulated_fields = {"code": ["name"]}
    actions_detail = ["start", "stop", "undo"]
    fieldsets = [
        (None, {"fields": [("name", "code"), ("starts_at", "ends_at"), ("budget", "funder")]}),
        (_("Where it stands"), {"fields": ["status_label", "budget_bar", ("created_by", "activated_by")]}),
    ]
    readonly_fields = ["status_label", "budget_bar", "created_by", "activated_by"]

    def get_fieldsets(self, request, obj=None):
        return self.fieldsets if obj else self.fieldsets[:1]

    def get_readonly_fields(self, request, obj=None):
        """Who pays for a campaign that has started is settled."""
        settled = ["code", "funder"] if obj and obj.status != Campaign.Status.DRAFT else []
        return [*self.readonly_fields, *settled]

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else self.prepopulated_fields

    def has_delete_permission(self, request, obj=None):
        """Campaigns are stopped, not deleted: lots and rules name them."""
        return False

    def has_start_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("loyalty.activate_campaign") and (
            Campaign.objects.filter(pk=object_id, status__in=[Campaign.Status.DRAFT, Campaign.Status.STOPPED]).exists()
        )

    def has_stop_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("loyalty.activate_campaign") and (
            Campaign.objects.filter(pk=object_id, status=Campaign.Status.ACTIVE).exists()
        )

    def has_undo_permission(self, request: HttpRequest, object_id=None) -> bool:
        return campaign_undos.may_propose(request, Campaign, object_id)

    def has_change_permission(self, request, obj=None):
        """What was undone stays as it was."""
        return super().has_change_permission(request, obj) and (obj is None or obj.status != Campaign.Status.UNDONE)

    def save_model(self, request, obj, form, change):
        """Whoever touched it last is its author: another person starts it. A changed campaign must be started anew."""
        obj.created_by = request.user
        if change and form.changed_data and obj.status == Campaign.Status.ACTIVE:
            obj.status = Campaign.Status.STOPPED
            messages.warning(
                request, gettext("The campaign is stopped until somebody else starts it with these changes.")
            )
        # `spent` is counted by the ledger's transactions: a form never writes it.
        if change:
            obj._history_user = request.user
            obj.save(update_fields=[*CampaignForm.Meta.fields, "status", "created_by"])
        else:
            super().save_model(request, obj, form, change)
        rules.changed()

    @tags.tagged(
        _("status"),
        {
            "draft": tags.WAITING, "active": tags.GOOD, "stopped": tags.BAD, "undone": tags.BAD, "over": tags.NEWS,
        },
    )  # fmt: skip
    def status_label(self, campaign):
        if campaign.status == Campaign.Status.ACTIVE and campaign.ends_at <= timezone.now():
            return "over", gettext("Over")
        return campaign.status, campaign.get_status_display()

    @admin.display(description=_("budget used"))
    def budget_bar(self, campaign):
        if campaign.budget is None:
            return gettext("%s spent, no limit") % words.number(campaign.spent)
        percent = campaign.spent * 100 // campaign.budget if campaign.budget else 100
        return format_html(
            '<div class="lp-bar {}"><i style="width:{}%"></i></div><small>{} / {}</small>',
            "lp-hot" if percent >= 90 else "",
            percent,
            words.number(campaign.spent),
            words.number(campaign.budget),
        )

    @admin.display(description=_("paid by"))
    def paid_by(self, campaign):
        return gettext("purse %s") % campaign.funder if campaign.funder_id else gettext("the platform")

    @action(description=_("Start"), icon="play_circle", permissions=["start"])
    def start(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Let the campaign pay, after asking; by another person than its author."""
        campaign = get_object_or_404(Campaign, pk=object_id)
        if request.method == "POST":
            with transaction.atomic():
                draft = agreed(request, campaign, _mark)
                if draft is not None:
                    return self._do(request, draft, campaigns.start, gettext("The campaign is on."))
            campaign = Campaign.objects.get(pk=object_id)
        says = [gettext("Rules of this campaign give points from its start to its end, until the budget is used up.")]
        facts = [
            (gettext("From"), words.instant(campaign.starts_at)),
            (gettext("To"), words.instant(campaign.ends_at)),
            (gettext("Budget"), self.budget_bar(campaign)),
            (gettext("Paid by"), self.paid_by(campaign)),
        ]
        return confirm.page(
            self,
            request,
            campaign,
            title=gettext("Start this campaign?"),
            says=says,
            facts=facts,
            form=SeenForm(initial={"seen": _mark(campaign)}),
            submit=gettext("Start"),
        )

    @action(description=_("Stop"), icon="stop_circle", permissions=["stop"])
    def stop(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Let the campaign pay nothing more, after asking."""
        campaign = get_object_or_404(Campaign, pk=object_id)
        says = [gettext("From now on its rules give nothing. Points they have given stay as they are.")]
        asked = confirm.page(
            self, request, campaign, title=gettext("Stop this campaign?"), says=says, submit=gettext("Stop")
        )
        return (
            asked
            if request.method != "POST"
            else self._do(request, campaign, campaigns.stop, gettext("The campaign is stopped."))
        )

    @action(description=_("Undo"), icon="undo", permissions=["undo"])
    def undo(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Show what it has granted and who has spent it, then propose to take it back."""
        return campaign_undos.ask(self, request, get_object_or_404(Campaign, pk=object_id))

    def _do(self, request, campaign, verb, done):
        try:
            verb(campaign, actor(request), timezone.now())
            messages.success(request, done)
        except Problem as problem:
            refuse(request, problem)
        return redirect("admin:loyalty_campaign_change", campaign.pk)


def _mark(campaign: Campaign) -> str:
    """What people wrote; what it has spent goes on by itself."""
    return digest(*(campaign.serializable_value(name) for name in CampaignForm.Meta.fields))
