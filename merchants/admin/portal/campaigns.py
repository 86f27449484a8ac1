from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from common.admin import confirm, tags, words
from common.admin.base import actor, refuse
from common.admin.money import MoneyField
from common.admin.preview import PreviewMixin
from common.admin.seen import SeenForm, agreed
from common.problems import Problem
from merchants.admin import campaign_words
from merchants.admin.site import site
from merchants.models import Audience, CampaignGrant, Deed, MerchantCampaign
from merchants.selectors import campaign_previews, cards
from merchants.selectors import campaigns as selectors
from merchants.services import campaigns

from . import card_lists
from .base import PortalAdmin, PortalReadOnlyAdmin

Status = MerchantCampaign.Status
STATUSES = {
    Status.DRAFT: tags.WAITING, Status.RUNNING: tags.GOOD, Status.STOPPED: tags.BAD, Status.ENDED: tags.NEWS,
    Status.EMPTY: tags.NEWS,
}  # fmt: skip


class CampaignForm(forms.ModelForm):
    money_unit = MoneyField(
        label=_("For each"),
        required=False,
        min_value=0,
        help_text=_("Only for orders: the points for each so much money, rounded down. Empty = once an order."),
    )
    least_cash = MoneyField(
        label=_("Least cash of an order"),
        required=False,
        help_text=_("Only for orders: what is kept at your stores, after refunds."),
    )

    class Meta:
        model = MerchantCampaign
        fields = [
            "name", "club", "mode", "trigger", "audience", "level", "segment", "points", "money_unit", "least_cash", "cap",
            "budget", "days", "starts_at", "ends_at",
        ]  # fmt: skip

    def clean_money_unit(self):
        return self.cleaned_data["money_unit"] or None

    def clean_least_cash(self):
        return self.cleaned_data["least_cash"] or 0

    def clean(self):
        data = super().clean()
        # What the chosen audience does not ask for is left out, so that nothing hidden counts.
        if data.get("audience") != Audience.LEVEL:
            data["level"] = None
        if data.get("audience") != Audience.SEGMENT:
            data["segment"] = None
        if not self.errors:
            draft = MerchantCampaign(**data)
            for field, words_ in campaigns.faults(draft):
                self.add_error(field, words_)
        return data


@admin.register(MerchantCampaign, site=site)
class MerchantCampaignAdmin(PreviewMixin, PortalAdmin):
    """Points you give to your members, from your purse. Drafts cost nothing; a start sets the whole budget aside."""

    tenant = "club__merchant"
    edits = Deed.EDIT
    empty = _(
        "No campaign yet. A campaign gives points from your purse: at once, for joining, for orders, at birthdays."
    )
    form = CampaignForm
    list_display = ["name", "status_label", "mode", "trigger", "club", "starts_at", "ends_at", "budget_bar"]
    list_filter = ["status", "trigger", "mode", "club"]
    list_select_related = ["club"]
    search_fields = ["name"]
    search_help_text = _("A name.")
    preview_template = "merchants/campaign_preview.html"
    actions_detail = ["list_cards", "start", "stop"]
    readonly_fields = ["status_label", "budget_bar", "started_at", "started_by_name", "closed_at", "released"]
    fieldsets = [
        (None, {"fields": ["name", ("club", "mode"), ("starts_at", "ends_at")]}),
        (_("To whom"), {"fields": ["audience", ("level", "segment")]}),
        (_("What it gives"), {"fields": [("trigger", "points"), ("money_unit", "least_cash"), ("cap", "days")]}),
        (_("What it may cost"), {"fields": ["budget"]}),
    ]

    started_fieldsets = [
        (None, {"fields": [("name", "club"), ("mode", "trigger"), ("starts_at", "ends_at")]}),
        (
            _("Where it stands"),
            {"fields": [("status_label", "budget_bar"), ("started_at", "started_by_name"), ("closed_at", "released")]},
        ),
    ]

    def get_queryset(self, request):
        return selectors.with_sums(super().get_queryset(request))

    def get_fieldsets(self, request, obj=None):
        """What has started is said in one sentence above; only where it stands is left to say."""
        return self.fieldsets if obj is None or obj.status == Status.DRAFT else self.started_fieldsets

    def has_change_permission(self, request, obj=None):
        """What has started is not changed any more."""
        return super().has_change_permission(request, obj) and (obj is None or obj.status == Status.DRAFT)

    def _is(self, request, object_id, status: str) -> bool:
        if object_id is None:
            return True
        campaign = self.get_object(request, str(object_id))
        return campaign is not None and campaign.status == status

    def has_start_permission(self, request, object_id=None):
        return super().has_start_permission(request) and self._is(request, object_id, Status.DRAFT)

    def has_stop_permission(self, request, object_id=None):
        return super().has_start_permission(request) and self._is(request, object_id, Status.RUNNING)

    def has_list_permission(self, request, object_id=None):
        campaign = self.get_object(request, str(object_id))
        return self.has_edit_permission(request) and card_lists.open_for(campaign)

    def save_model(self, request, obj, form, change):
        obj.created_by = obj.created_by or request.user
        super().save_model(request, obj, form, change)
        if obj.audience == Audience.LIST and not obj.listed.exists():
            messages.info(request, gettext("Now list the cards it is for."))

    # What it shows ------------------------------------------------------------------------------------------

    @tags.tagged(_("status"), STATUSES)
    def status_label(self, campaign):
        return campaign.status, campaign.get_status_display()

    @admin.display(description=_("given of the budget"))
    def budget_bar(self, campaign):
        return f"{words.number(campaign.given)} / {words.number(campaign.budget)}"

    @admin.display(description=_("started by"))
    def started_by_name(self, campaign):
        return campaign.started_by.get_full_name() or campaign.started_by.get_username() if campaign.started_by else "–"

    def preview(self, obj, inlines):
        return campaign_words.preview(obj)

    # What it does -------------------------------------------------------------------------------------------

    def _of(self, request, object_id) -> MerchantCampaign:
        campaign = self.get_object(request, str(object_id))
        if campaign is None:
            self._get_obj_does_not_exist_redirect(request, self.opts, str(object_id))
        return campaign

    @action(description=_("List cards"), icon="playlist_add", permissions=["list"])
    def list_cards(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Paste the list of cards the campaign is for."""
        return card_lists.page(self, request, self._of(request, object_id))

    @action(description=_("Start"), icon="play_circle", permissions=["start"])
    def start(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Set the budget aside and let it give, after asking."""
        campaign = self._of(request, object_id)
        if request.method == "POST":
            with transaction.atomic():
                draft = agreed(request, campaign, card_lists.mark)
                if draft is not None:
                    return self._do(request, draft, campaigns.start, gettext("The campaign is on."))
            campaign = self._of(request, object_id)
        told = campaign_previews.of(campaign, timezone.now())
        says = [
            campaign_words.gift(campaign),
            gettext("%s points leave your purse now and are set aside. What is not given goes back at the end.")
            % words.number(campaign.budget),
        ]
        if told.missing:
            says.append(gettext("Your purse lacks %s points: the start will be refused.") % words.number(told.missing))
        facts = [
            (gettext("Members it means now"), words.number(told.members)),
            (gettext("Points it gives at once"), words.number(told.now)),
            (gettext("Your purse has"), words.number(told.purse)),
            *(
                []
                if told.missing
                else [(gettext("Your purse after the start"), words.number(told.purse - told.budget))]
            ),
            (gettext("From"), words.instant(campaign.starts_at)),
            (gettext("To"), words.instant(campaign.ends_at)),
        ]
        return confirm.page(
            self,
            request,
            campaign,
            title=gettext("Start this campaign?"),
            says=says,
            facts=facts,
            form=SeenForm(initial={"seen": card_lists.mark(campaign)}),
            submit=gettext("Start"),
        )

    @action(description=_("Stop"), icon="stop_circle", permissions=["stop"])
    def stop(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Let it give nothing more, after asking."""
        campaign = self._of(request, object_id)
        if request.method == "POST":
            return self._do(request, campaign, campaigns.stop, gettext("The campaign is stopped; the rest is back."))
        left = words.number(selectors.results(campaign).left)
        says = [gettext("It gives nothing more. %s points go back to your purse; members keep what they have.") % left]
        title = gettext("Stop this campaign?")
        return confirm.page(self, request, campaign, title=title, says=says, submit=gettext("Stop"))

    def _do(self, request, campaign, verb, done):
        try:
            verb(campaign, actor(request), timezone.now())
            messages.success(request, done)
        except Problem as problem:
            refuse(request, problem)
            for error in problem.errors:
                messages.error(request, error["detail"])
        return redirect("merchant:merchants_merchantcampaign_change", campaign.pk)


@admin.register(CampaignGrant, site=site)
class CampaignGrantAdmin(PortalReadOnlyAdmin):
    """What your campaigns gave, card by card, and what they refused."""

    tenant = "campaign__club__merchant"
    empty = _("Nothing was given yet.")
    list_display = ["at", "campaign", "card_name", "occasion_words", "points", "returned", "answer"]
    list_display_links = None
    list_filter = ["campaign", "refusal"]
    list_select_related = ["campaign", "card__member"]
    search_fields = ["=card__external_card", "=occasion"]
    search_help_text = _("The number of your card, or order:CODE.")
    fields = ["at", "campaign", "card_name", "occasion_words", "points", "returned", "answer"]

    @admin.display(description=_("card"))
    def card_name(self, grant):
        number = grant.card.external_card or str(grant.card.uuid)[:8]
        name = cards.known_name(grant.card)
        return f"{name} ({number})" if name else number

    @admin.display(description=_("occasion"))
    def occasion_words(self, grant):
        return campaign_words.occasion(grant.occasion)

    @tags.tagged(_("answer"), {"": tags.GOOD, "budget": tags.BAD, "cap": tags.WAITING, "left": tags.WAITING})
    def answer(self, grant):
        return grant.refusal, grant.get_refusal_display() or gettext("Given")
