from __future__ import annotations

from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action

from common.admin import confirm, tags, words
from common.admin.base import AuditedAdmin, actor, refuse
from common.admin.preview import PreviewMixin
from common.admin.seen import SeenForm, agreed, whole
from common.problems import Problem
from loyalty.admin import rules as rule_pages
from loyalty.admin import sentences, trials
from loyalty.admin.version_forms import ConditionForm, VersionForm
from loyalty.models import EarningRuleVersion, RuleCondition
from loyalty.services import rules
from loyalty.services import trials as trial_service

Status = EarningRuleVersion.Status


class ConditionInline(TabularInline):
    model = RuleCondition
    form = ConditionForm
    extra = 0
    verbose_name_plural = _("Conditions: all of them must hold")


@admin.register(EarningRuleVersion)
class EarningRuleVersionAdmin(PreviewMixin, AuditedAdmin):
    """What a rule says. Drafts are edited and tested; a colleague puts them in force; from then on they never change."""

    empty = _("No version yet. Begin with an earning rule.")
    form = VersionForm
    inlines = [ConditionInline]
    preview_template = "loyalty/version_preview.html"
    list_display = ["title", "state_label", "says", "effective_from", "effective_until", "created_by", "activated_by"]
    list_filter = ["status", "event_type", "formula", "rule"]
    list_select_related = ["rule", "campaign", "created_by", "activated_by"]
    search_fields = ["rule__name", "rule__code"]
    search_help_text = _("A rule's name or code.")
    autocomplete_fields = ["rule", "campaign"]
    actions_list = ["test_rules"]
    actions_detail = ["test", "activate", "new_version", "end"]
    fieldsets = [
        (None, {"fields": [("rule", "event_type")]}),
        (
            _("What it gives"),
            {
                "fields": [
                    ("formula", "points"),
                    ("money_unit", "money_step"),
                    ("basis", "min_cash"),
                    ("multiplier_percent",),
                    ("likes_factor", "likes_max"),
                ]
            },
        ),
        (_("Beside other rules"), {"fields": [("stacking", "priority")]}),
        (_("When it is in force"), {"fields": [("effective_from", "effective_until"), "campaign"]}),
        (
            _("Limits (empty: none)"),
            {
                "fields": [
                    ("cap_item", "cap_order"),
                    ("cap_day", "cap_month"),
                    ("cap_quarter", "cap_year"),
                    "cap_member",
                ]
            },
        ),
        (_("The points"), {"fields": [("available_after_days", "expiry"), ("expiry_count", "expiry_date")]}),
    ]
    settled_fieldsets = [
        (None, {"fields": [("rule", "state_label"), ("effective_from", "effective_until"), ("priority", "stacking")]}),
        (_("Who"), {"fields": [("created_by", "created_at"), ("activated_by", "activated_at")]}),
    ]
    readonly_fields = ["state_label", "created_by", "created_at", "activated_by", "activated_at"]
    conditional_fields = {
        "points": "formula != 'multiplier'",
        "money_unit": "formula == 'per_money'",
        "money_step": "formula == 'per_money'",
        "basis": "formula == 'per_money' || formula == 'multiplier'",
        "multiplier_percent": "formula == 'multiplier'",
        "likes_factor": "formula == 'likes'",
        "likes_max": "formula == 'likes'",
        "expiry_count": "['days', 'sliding', 'end_of_month', 'end_of_quarter'].includes(expiry)",
        "expiry_date": "expiry == 'fixed_date'",
    }

    def get_fieldsets(self, request, obj=None):
        """What is settled is said in words above; the form is for drafts."""
        editable = self.has_change_permission(request, obj) if obj else True
        return self.fieldsets if editable else self.settled_fieldsets

    def get_inlines(self, request, obj):
        return self.inlines if obj is None or self.has_change_permission(request, obj) else []

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("conditions", "rule__versions")

    def get_changeform_initial_data(self, request):
        return {"effective_from": timezone.now(), **super().get_changeform_initial_data(request)}

    # What may be done ---------------------------------------------------------------------------------------

    def has_change_permission(self, request, obj=None):
        """Only drafts can be changed."""
        if isinstance(obj, EarningRuleVersion) and obj.status != Status.DRAFT:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        return (
            isinstance(obj, EarningRuleVersion)
            and obj.status == Status.DRAFT
            and super().has_delete_permission(request, obj)
        )

    def has_activate_permission(self, request, object_id=None) -> bool:
        """Somebody of finance, for a draft; the service asks for a second person."""
        may = request.user.has_perm("loyalty.activate_earningruleversion")
        return may and self._has_status(object_id, Status.DRAFT)

    def has_end_permission(self, request, object_id=None) -> bool:
        may = request.user.has_perm("loyalty.activate_earningruleversion")
        return may and self._has_status(object_id, Status.ACTIVE)

    def has_new_version_permission(self, request, object_id=None) -> bool:
        return request.user.has_perm("loyalty.add_earningruleversion") and self._has_status(object_id, Status.ACTIVE)

    def _has_status(self, object_id, status) -> bool:
        return EarningRuleVersion.objects.filter(pk=object_id, status=status).exists()

    # What it shows ------------------------------------------------------------------------------------------

    @admin.display(description=_("version"), ordering="rule__name")
    def title(self, version):
        return str(version)

    @tags.tagged(_("state"), rule_pages.COLOURS)
    def state_label(self, version):
        now = timezone.now()
        return rule_pages.state(version, rule_pages.in_force(list(version.rule.versions.all()), now), now)

    @admin.display(description=_("what it says"))
    def says(self, version):
        return sentences.say(version, version.conditions.all())

    def preview(self, obj, inlines):
        rows = obj.conditions.all() if inlines is None else inlines
        return {"sentence": sentences.say(obj, rows), "version": obj}

    # What it does -------------------------------------------------------------------------------------------

    def save_model(self, request, obj, form, change):
        """Whoever touched a draft last is its author: another person puts it in force."""
        obj.created_by = request.user
        super().save_model(request, obj, form, change)

    @action(description=_("Test on an order"), icon="science", url_path="test")
    def test(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The test panel with this version in the place of its rule's other versions."""
        return trials.page(self, request, get_object_or_404(self.get_queryset(request), pk=object_id))

    @action(description=_("Test the rules in force"), icon="science", url_path="test-rules")
    def test_rules(self, request: HttpRequest) -> HttpResponse:
        """The test panel with the rules in force now."""
        return trials.page(self, request, None)

    @action(description=_("Put in force"), icon="play_circle", permissions=["activate"])
    def activate(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Say what will happen, then let the service put the draft in force."""
        version = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method == "POST":
            with transaction.atomic():
                draft = agreed(request, version, _mark)
                if draft is not None:
                    return self._activate(request, draft)
            version = self.get_queryset(request).get(pk=object_id)
        return self._ask_to_activate(request, version)

    def _activate(self, request, version):
        try:
            rules.activate(version, actor(request), timezone.now())
            messages.success(request, gettext("Version %d is in force.") % version.number)
        except Problem as problem:
            refuse(request, problem)
        return redirect("admin:loyalty_earningruleversion_change", version.pk)

    def _ask_to_activate(self, request, version):
        now = timezone.now()
        facts = [
            (gettext("What it says"), sentences.say(version, version.conditions.all())),
            (
                gettext("In force from"),
                words.instant(version.effective_from) if version.effective_from > now else gettext("now"),
            ),
            (
                gettext("In force until"),
                words.instant(version.effective_until) if version.effective_until else gettext("further notice"),
            ),
            (gettext("Written by"), version.created_by or "–"),
        ]
        running = rule_pages.in_force(list(version.rule.versions.all()), now)
        if running:
            facts.append(
                (gettext("Replaces"), gettext("version %d; points it has given stay as they are") % running.number)
            )
        try:
            draft = EarningRuleVersion.objects.select_related("rule", "campaign").get(pk=version.pk)
            estimate = trial_service.estimate(draft, now)
        except Problem as problem:
            refuse(request, problem)
            return redirect("admin:loyalty_earningruleversion_change", version.pk)
        if estimate and estimate.orders:
            numbers = {
                "orders": words.number(estimate.orders),
                "now": words.number(estimate.points_now),
                "then": words.number(estimate.points_then),
                "difference": words.signed(estimate.difference),
            }
            text = gettext(
                "%(then)s points instead of %(now)s (%(difference)s), over %(orders)s orders; caps over time not counted"
            )
            facts.append((gettext("It would have given in the last 30 days"), text % numbers))
        says = [gettext("From then on this version never changes: a correction is a new version.")]
        if version.created_by_id == request.user.pk:
            messages.warning(request, gettext("You wrote this version. Somebody else has to put it in force."))
        return confirm.page(
            self,
            request,
            version,
            title=gettext("Put in force?"),
            says=says,
            facts=facts,
            form=SeenForm(initial={"seen": _mark(version)}),
            submit=gettext("Put in force"),
        )

    @action(description=_("New version"), icon="edit_note", permissions=["new_version"])
    def new_version(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A new draft that says the same, to be changed; or the draft there is."""
        version = get_object_or_404(self.get_queryset(request), pk=object_id)
        draft = next((v for v in version.rule.versions.all() if v.status == Status.DRAFT), None)
        if draft is None and request.method != "POST":
            return confirm.new_version(self, request, version, version)
        draft = draft or rules.draft_from(version, actor(request), timezone.now())
        return redirect("admin:loyalty_earningruleversion_change", draft.pk)

    @action(description=_("End it"), icon="stop_circle", permissions=["end"])
    def end(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """End an active version now, after asking."""
        version = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method != "POST":
            says = [gettext("From now on “%s” gives nothing. Points it has given stay as they are.") % version.rule]
            return confirm.page(
                self, request, version, title=gettext("End this version?"), says=says, submit=gettext("End it now")
            )
        now = timezone.now()
        try:
            rules.retire(version, now, actor(request), now)
            messages.success(request, gettext("The version has ended."))
        except Problem as problem:
            refuse(request, problem)
        return redirect("admin:loyalty_earningruleversion_change", object_id)


def _mark(version: EarningRuleVersion) -> str:
    return whole(version, *version.conditions.order_by("pk"))
