"""Gift campaigns: written with a preview, started by a second person, watched, and measured against who was held out."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action

from common.admin import confirm, tags, words
from common.admin.base import AuditedAdmin, ReadOnlyAdmin, actor, refuse
from common.admin.preview import PreviewMixin
from common.admin.seen import SeenForm, agreed, digest
from common.models import Look
from common.problems import Problem
from loyalty.admin import campaign_undos, gift_words
from loyalty.admin.tiers import badge
from loyalty.models import GiftAmount, GiftAssignment, GiftCampaign
from loyalty.services import gift_campaigns

Status, Arm = GiftCampaign.Status, GiftAssignment.Arm


def _terms(campaign: GiftCampaign) -> str:
    """A digest of all that a draft says, so that nobody starts another one than was looked at."""
    said = [str(campaign.serializable_value(name)) for name in GiftCampaignForm.Meta.fields]
    amounts = sorted(f"{amount.tier_id}: {amount.points}" for amount in campaign.amounts.all())
    return digest(*said, *amounts)


class GiftCampaignForm(forms.ModelForm):
    class Meta:
        model = GiftCampaign
        fields = [
            "name", "code", "trigger", "near_days", "near_points", "segment", "rest_days", "starts_at", "ends_at", "budget",
            "days", "lists_in", "holdout_percent", "window_days",
        ]  # fmt: skip

    def clean(self):
        data = super().clean()
        if data.get("starts_at") and data.get("ends_at") and data["ends_at"] <= data["starts_at"]:
            self.add_error("ends_at", gettext("The end comes after the start."))
        return data


class AmountInline(TabularInline):
    model = GiftAmount
    extra = 1
    hide_title = True
    verbose_name_plural = _("What members get, by tier: who has no row gets nothing")
    fields = ["tier", "points"]

    def has_add_permission(self, request, obj):
        return super().has_add_permission(request, obj) and (obj is None or obj.status == Status.DRAFT)


@admin.register(GiftCampaign)
class GiftCampaignAdmin(PreviewMixin, AuditedAdmin):
    """What the platform gives by itself: once, to who has lapsed, at birthdays, or when points are about to expire."""

    empty = _(
        "No gift campaign yet. It gives points to members by itself, less a group that is held out to see the effect."
    )
    form = GiftCampaignForm
    list_display = ["name", "state", "trigger", "starts_at", "ends_at", "budget_bar"]
    list_filter = ["status", "trigger"]
    search_fields = ["name", "code"]
    search_help_text = _("A name or a code.")
    date_hierarchy = "starts_at"
    prepopulated_fields = {"code": ["name"]}
    inlines = [AmountInline]
    preview_template = "loyalty/gift_campaign.html"
    conditional_fields = dict.fromkeys(["near_days", "near_points"], "trigger == 'expiry'")
    actions_detail = ["start", "stop", "effect", "undo"]
    fieldsets = [
        (None, {"fields": [("name", "code"), "trigger", ("near_days", "near_points"), ("segment", "rest_days")]}),
        (_("What it gives"), {"fields": [("starts_at", "ends_at"), ("budget", "days"), "lists_in"]}),
        (_("How its effect is seen"), {"fields": [("holdout_percent", "window_days")]}),
        (_("Where it stands"), {"fields": ["state", "budget_bar", ("created_by", "started_by")]}),
    ]
    readonly_fields = ["state", "budget_bar", "created_by", "started_by"]

    def get_fieldsets(self, request, obj=None):
        return self.fieldsets if obj else self.fieldsets[:-1]

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else self.prepopulated_fields

    def has_change_permission(self, request, obj=None):
        """Only drafts are edited: what has started is what was agreed to."""
        return super().has_change_permission(request, obj) and (obj is None or obj.status == Status.DRAFT)

    def has_delete_permission(self, request, obj=None):
        """Campaigns are stopped, not deleted: lots and members name them."""
        return False

    def _may(self, request: HttpRequest, object_id, status: str) -> bool:
        may = request.user.has_perm("loyalty.start_giftcampaign")
        return may and GiftCampaign.objects.filter(pk=object_id, status=status).exists()

    def has_start_permission(self, request: HttpRequest, object_id=None) -> bool:
        return self._may(request, object_id, Status.DRAFT)

    def has_stop_permission(self, request: HttpRequest, object_id=None) -> bool:
        return self._may(request, object_id, Status.RUNNING)

    def has_effect_permission(self, request: HttpRequest, object_id=None) -> bool:
        """There is something to measure once it has been started."""
        may = request.user.has_perm("loyalty.view_giftcampaign")
        return may and GiftCampaign.objects.filter(pk=object_id).exclude(status=Status.DRAFT).exists()

    def has_undo_permission(self, request: HttpRequest, object_id=None) -> bool:
        return campaign_undos.may_propose(request, GiftCampaign, object_id)

    def save_model(self, request, obj, form, change):
        """Whoever touched it last is its author: another person starts it."""
        obj.created_by = request.user
        super().save_model(request, obj, form, change)

    # What it shows ------------------------------------------------------------------------------------------

    @tags.tagged(
        _("status"),
        {
            Status.DRAFT: tags.WAITING, Status.RUNNING: tags.GOOD, Status.STOPPED: tags.BAD, Status.ENDED: tags.NEWS,
            Status.EMPTY: tags.NEWS, Status.UNDONE: tags.BAD,
        },
    )  # fmt: skip
    def state(self, campaign):
        return campaign.status, campaign.get_status_display()

    @admin.display(description=_("budget used"))
    def budget_bar(self, campaign):
        percent = campaign.spent * 100 // campaign.budget
        return format_html(
            '<div class="lp-bar {}"><i style="width:{}%"></i></div><small>{} / {}</small>',
            "lp-hot" if percent >= 90 else "",
            percent,
            words.number(campaign.spent),
            words.number(campaign.budget),
        )

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """The preview of a draft names some of whom it means: that is a look at them."""
        if object_id and GiftCampaign.objects.filter(pk=object_id, status=Status.DRAFT).exists():
            self.note_look(request, Look.Kind.LIST, rows=gift_words.SAMPLE)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def preview_view(self, request: HttpRequest, object_id: str | None) -> HttpResponse:
        self.note_look(request, Look.Kind.LIST, rows=gift_words.SAMPLE)
        return super().preview_view(request, object_id)

    def preview(self, obj, inlines):
        if obj.status != Status.DRAFT:
            return {"campaign": obj, **gift_words.results(obj)}
        return {"campaign": obj, **gift_words.preview(obj, inlines, timezone.now())}

    # What it does -------------------------------------------------------------------------------------------

    @action(description=_("Start"), icon="play_circle", permissions=["start"])
    def start(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Say what will happen and what it costs, then let it give; by another person than its author."""
        campaign = get_object_or_404(GiftCampaign, pk=object_id)
        if request.method == "POST":
            with transaction.atomic():
                draft = agreed(request, campaign, _terms)
                if draft is not None:
                    return self._do(request, draft, gift_campaigns.start, gettext("The campaign is on."))
            campaign = GiftCampaign.objects.get(pk=object_id)
        form = SeenForm(initial={"seen": _terms(campaign)})
        told = gift_words.preview(campaign, None, timezone.now())
        says = [
            told["sentence"],
            gettext("Points leave with the next run: within a minute if it gives once, else in the coming night."),
        ]
        if told["too_few"]:
            says.append(
                gettext(
                    "So few members are held out that its effect will hardly be seen: %(n)s, and %(least)s are needed."
                )
                % {"n": told["held_out"], "least": told["smallest"]}
            )
        facts = [
            (gettext("Members it means now"), told["members"]),
            (gettext("Held out, about"), told["held_out"]),
            (gettext("Cost at once, about"), f"{told['now']} ({told['now_money']})"),
            (gettext("Cost at most"), f"{told['most']} ({told['most_money']})"),
            *((gettext("Also meant by"), format_html("{}: {}", *overlap)) for overlap in told["overlaps"]),
        ]
        title, submit = gettext("Start this gift campaign?"), gettext("Start")
        return confirm.page(self, request, campaign, title=title, says=says, facts=facts, form=form, submit=submit)

    @action(description=_("Stop"), icon="stop_circle", permissions=["stop"])
    def stop(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Let it give nothing more, after asking."""
        campaign = get_object_or_404(GiftCampaign, pk=object_id)
        if request.method == "POST":
            return self._do(request, campaign, gift_campaigns.stop, gettext("The campaign is stopped."))
        says = [gettext("From now on it gives nothing. Members keep what they have; it cannot be started again.")]
        title, submit = gettext("Stop this gift campaign?"), gettext("Stop")
        return confirm.page(self, request, campaign, title=title, says=says, submit=submit)

    @action(description=_("Effect"), icon="monitoring", permissions=["effect"])
    def effect(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """What it has brought, against who was held out."""
        campaign = get_object_or_404(GiftCampaign, pk=object_id)
        shown = gift_words.effects(campaign, timezone.now())
        title, template = gettext("What the campaign has brought"), "loyalty/gift_effect.html"
        return confirm.page(self, request, campaign, title=title, submit="", template=template, **shown)

    @action(description=_("Undo"), icon="undo", permissions=["undo"])
    def undo(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Show what it has granted and who has spent it, then propose to take it back."""
        return campaign_undos.ask(self, request, get_object_or_404(GiftCampaign, pk=object_id))

    def _do(self, request, campaign, verb, done):
        try:
            verb(campaign, actor(request), timezone.now())
            messages.success(request, done)
        except Problem as problem:
            refuse(request, problem)
        return redirect("admin:loyalty_giftcampaign_change", campaign.pk)


@admin.register(GiftAssignment)
class GiftAssignmentAdmin(ReadOnlyAdmin):
    """Everybody a gift campaign has reached: who got what, and who was held out."""

    empty = _("No gift campaign has reached anybody yet.")
    list_display = ["at", "campaign", "who", "group", "occasion_words", "tier_badge", "points"]
    list_filter = ["arm", "campaign"]
    list_select_related = ["campaign", "member", "tier"]
    search_fields = ["=member__external_id", "campaign__name", "=campaign__code"]
    search_help_text = _("A member's external id, or a campaign.")
    date_hierarchy = "at"
    fields = ["campaign", "who", "group", "occasion_words", "tier_badge", "points", "lot", "at", "measured_until"]
    readonly_fields = fields

    @admin.display(description=_("member"), ordering="member__external_id")
    def who(self, assignment):
        return words.link(assignment.member)

    @tags.tagged(_("treated or held out"), {Arm.TREATED: tags.GOOD, Arm.HELD_OUT: tags.WAITING})
    def group(self, assignment):
        return assignment.arm, assignment.get_arm_display()

    @admin.display(description=_("tier then"))
    def tier_badge(self, assignment):
        return badge(assignment.tier)

    @admin.display(description=_("occasion"))
    def occasion_words(self, assignment):
        return gift_words.occasion(assignment.occasion)
