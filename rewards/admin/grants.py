"""Who has which benefit: drafts with a preview of members and money, put in force by a second person (domain.md F20)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextInputWidget

from common.admin import confirm, tags, words
from common.admin.base import AuditedAdmin, actor, refuse
from common.admin.preview import PreviewMixin
from common.admin.seen import agreed, digest
from common.problems import Problem
from loyalty.admin.editions import PublishForm
from rewards.admin import benefit_words, benefits
from rewards.admin.allowances import AllowanceForm
from rewards.models import BenefitGrant, BundleItem, PackItem
from rewards.selectors import audiences, benefit_costs, entitlements, packs
from rewards.services import grants

Status = BenefitGrant.Status

# Which field asks for what, by audience.
ASKED = {
    "tier": ["tier"],
    "medal": ["medal_level"],
    "plan": ["plan"],
    "score": ["threshold"],
    "club": ["club", "club_level"],
    "segment": ["segment"],
}


class GrantForm(AllowanceForm):
    """A draft. What another audience asks for is left out."""

    class Meta:
        model = BenefitGrant
        fields = [
            "benefit", "bundle", "value", "quota", "period", "pack", "audience",
            "tier", "medal_level", "plan", "threshold", "club", "club_level", "segment",
        ]  # fmt: skip

    def clean(self):
        data = super().clean()
        for audience, names in ASKED.items():
            for name in names:
                if audience != data.get("audience") and name != "club_level":
                    data[name] = None
        if not data.get("benefit") and not data.get("bundle"):
            self.add_error("benefit", gettext("Choose a benefit or a bundle."))
        target = ASKED.get(data.get("audience", ""), [""])[0]
        if target and not data.get(target) and target not in self.errors:
            self.add_error(target, gettext("Say who has it."))
        return data


class EndForm(forms.Form):
    """Until when."""

    effective_until = forms.DateTimeField(
        label=_("gives until"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        help_text=_("Empty: it ends at once."),
    )


def _handed_out(grant: BenefitGrant) -> list[str]:
    """What members are handed out of the catalogue, benefit by benefit."""
    benefits = [benefit.pk for benefit, _allowance in entitlements.contents(grant)]
    return [str(item) for items in packs.contents(benefits).values() for item in items]


@admin.register(BenefitGrant)
class BenefitGrantAdmin(PreviewMixin, AuditedAdmin):
    """Which benefit whom. Drafts are edited; a colleague puts them in force; from then on they never change."""

    empty = _("No grant yet, so nobody has a benefit. Add the benefits first.")
    form = GrantForm
    preview_template = "rewards/grant_words.html"
    list_display = ["gives", "whom_label", "gate_label", "state_label", "effective_from", "drafted_by", "activated_by"]
    list_display_links = ["gives"]
    list_filter = ["status", "audience", "benefit", "tier", "plan"]
    list_select_related = [
        "benefit", "bundle", "tier", "medal_level__medal", "plan", "threshold", "club", "segment", "drafted_by",
        "activated_by",
    ]  # fmt: skip
    search_fields = ["benefit__name", "benefit__code", "bundle__name"]
    search_help_text = _("A benefit or a bundle.")
    actions_detail = ["activate", "end", "draft_from"]
    readonly_fields = [
        "gives", "whom_label", "gate_label",
        "state_label", "effective_from", "effective_until", "replaces", "drafted_by", "drafted_at", "activated_by",
        "activated_at",
    ]  # fmt: skip
    fieldsets = [
        (_("What"), {"fields": [("benefit", "bundle"), "value", ("quota", "period"), "pack"]}),
        (
            _("Whom"),
            {"fields": ["audience", "tier", "medal_level", "plan", "threshold", ("club", "club_level"), "segment"]},
        ),
    ]
    settled_fieldsets = [(None, {"fields": [("gives", "whom_label"), "gate_label"]})]
    origin = (
        _("Who and when"),
        {
            "fields": [
                "state_label",
                ("effective_from", "effective_until"),
                "replaces",
                ("drafted_by", "drafted_at"),
                ("activated_by", "activated_at"),
            ]
        },
    )
    conditional_fields = {name: f"audience == '{audience}'" for audience, names in ASKED.items() for name in names}

    def get_fieldsets(self, request, obj=None):
        """What nobody edits any more is read in words."""
        what = self.fieldsets if obj is None or self.has_change_permission(request, obj) else self.settled_fieldsets
        return [*what, self.origin] if obj else what

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        """What is named is made on pages of its own."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.is_relation and field is not None:
            for deed in ("add", "change", "delete", "view"):
                setattr(field.widget, f"can_{deed}_related", False)
        return field

    # What may be done ---------------------------------------------------------------------------------------

    def has_change_permission(self, request, obj=None):
        """Only drafts can be changed."""
        return (obj is None or obj.is_draft) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        return obj is not None and obj.is_draft and super().has_delete_permission(request, obj)

    def has_activate_permission(self, request: HttpRequest, object_id=None) -> bool:
        """Whoever puts benefits in force, for a draft; the service asks for a second person."""
        may = request.user.has_perm("rewards.activate_benefitgrant")
        return may and BenefitGrant.objects.filter(pk=object_id, status=Status.DRAFT).exists()

    def has_end_permission(self, request: HttpRequest, object_id=None) -> bool:
        may = request.user.has_perm("rewards.activate_benefitgrant")
        gives = BenefitGrant.objects.filter(pk=object_id, status=Status.ACTIVE)
        return may and gives.exclude(effective_until__lte=timezone.now()).exists()

    def has_draft_from_permission(self, request: HttpRequest, object_id=None) -> bool:
        return self.has_add_permission(request)

    # What it shows ------------------------------------------------------------------------------------------

    @admin.display(description=_("what"))
    def gives(self, grant):
        return benefit_words.what(grant)

    @admin.display(description=_("whom"))
    def whom_label(self, grant):
        return grant.whom

    @tags.tagged(_("gate"), {"pay": tags.NEWS, "contribute": tags.GOOD})
    def gate_label(self, grant):
        return grant.gate, grant.gate.label

    @tags.tagged(_("state"), {"draft": tags.WAITING, "planned": tags.NEWS, "in_force": tags.GOOD, "past": ""})
    def state_label(self, grant):
        now = timezone.now()
        if grant.is_draft:
            return "draft", gettext("Draft")
        if grant.effective_until and grant.effective_until <= now:
            return "past", gettext("Ended")
        if grant.effective_from > now:
            return "planned", gettext("In force from %s") % words.instant(grant.effective_from)
        return "in_force", gettext("In force")

    def preview(self, obj, inlines):
        """Who gets it today, what it costs a month, and what speaks against it."""
        now = timezone.now()
        sizes = audiences.by_tier(audiences.members([obj], now)) if obj.target else {}
        costs = benefit_costs.estimate(now, plus=obj if obj.is_draft else None)
        rows = [
            benefits.cost_row(cost) | {"reached": words.number(sizes.get(cost.tier.pk if cost.tier else None, 0))}
            for cost in costs
        ]
        items = obj.bundle.items.select_related("benefit") if obj.bundle else []
        return {
            "what": benefit_words.what(obj),
            "items": [benefit_words.gives(item.benefit, item) for item in items],
            "pack": [benefit_words.gives(item.benefit, item) for item in obj.pack.items.select_related("benefit")]
            if obj.pack
            else [],
            "contents": _handed_out(obj),
            "whom": obj.whom,
            "gate": obj.gate.label,
            "members": words.number(sum(sizes.values())),
            "rows": rows,
            "is_draft": obj.is_draft,
            "faults": [*obj.faults(), *(cost.fault for cost in costs if cost.fault)] if obj.is_draft else [],
            "swing": benefit_costs.SWING,
        }

    # What it does -------------------------------------------------------------------------------------------

    def save_model(self, request, obj, form, change):
        """Whoever touched a draft last is its author: another person puts it in force."""
        obj.drafted_by, obj.drafted_at = request.user, timezone.now()
        super().save_model(request, obj, form, change)
        for fault in obj.faults():
            messages.warning(request, fault)

    @action(description=_("Put in force"), icon="play_circle", permissions=["activate"])
    def activate(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Say whom it reaches and what it costs, ask from when on, then let the service decide."""
        grant = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = PublishForm(request.POST or None, initial={"seen": _terms(grant)})
        if form.is_valid():
            at = timezone.now()
            try:
                with transaction.atomic():
                    draft = agreed(request, grants.lock(grant), _terms)
                    if draft is not None:
                        draft = grants.activate(draft, actor(request), form.cleaned_data["effective_at"] or at, at)
                        messages.success(request, gettext("In force from %s.") % words.instant(draft.effective_from))
                        return redirect("admin:rewards_benefitgrant_change", object_id)
                grant = self.get_queryset(request).get(pk=object_id)
                form = PublishForm(initial={"seen": _terms(grant)})
            except Problem as problem:
                refuse(request, problem)
        return self._ask_to_activate(request, grant, form)

    def _ask_to_activate(self, request: HttpRequest, grant: BenefitGrant, form: forms.Form) -> HttpResponse:
        told: dict[str, Any] = self.preview(grant, None)
        if grant.drafted_by_id == request.user.pk:
            messages.warning(request, gettext("You wrote this draft. Somebody else has to put it in force."))
        for fault in told["faults"]:
            messages.warning(request, fault)
        facts = [
            (gettext("What"), told["what"]),
            *([(gettext("Handed out once a period"), "; ".join(told["contents"]))] if told["contents"] else []),
            (gettext("Whom"), told["whom"]),
            (gettext("Members today"), told["members"]),
            (gettext("Written by"), grant.drafted_by or "–"),
        ]
        facts += [
            (
                gettext("%s: cost a month") % (row["tier"] or gettext("No tier")),
                gettext("%(now)s → %(then)s (%(range)s); budget %(budget)s") % row,
            )
            for row in told["rows"]
            if row["more"]
        ]
        if grant.replaces_id:
            facts.append((gettext("Replaces"), words.link(grant.replaces)))
        says = [gettext("From then on the grant never changes: a correction is a new one that replaces it.")]
        return confirm.page(
            self, request, grant, title=gettext("Put in force?"), says=says, facts=facts, submit=gettext("Put in force"),
            form=form,
        )  # fmt: skip

    @action(description=_("End"), icon="stop_circle", permissions=["end"])
    def end(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Let it give only until an instant."""
        grant = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = EndForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            at = timezone.now()
            try:
                grants.end(grant, actor(request), form.cleaned_data["effective_until"] or at, at)
                messages.success(request, gettext("It ends."))
            except Problem as problem:
                refuse(request, problem)
            return redirect("admin:rewards_benefitgrant_change", object_id)
        says = [
            gettext("Afterwards members do not have it by this grant. What they have used stays and is not charged.")
        ]
        facts = [(gettext("Members today"), words.number(audiences.members([grant], timezone.now()).count()))]
        return confirm.page(
            self, request, grant, title=gettext("End this grant?"), says=says, facts=facts, submit=gettext("End"),
            form=form,
        )  # fmt: skip

    @action(description=_("New draft from this"), icon="edit_note", permissions=["draft_from"])
    def draft_from(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A draft that says the same and will replace it."""
        grant = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method != "POST":
            says = [gettext("A new draft says the same. Once a colleague puts it in force, it replaces this grant.")]
            return confirm.page(
                self, request, grant, title=gettext("New draft from this?"), says=says, submit=gettext("New draft")
            )
        draft = grants.draft_from(grant, actor(request), timezone.now())
        messages.success(request, gettext("The draft is there. Change it, then let a colleague put it in force."))
        return redirect("admin:rewards_benefitgrant_change", draft.pk)


def _terms(grant: BenefitGrant) -> str:
    """A digest of all that a draft gives, so that nobody agrees to another grant, bundle or pack than was looked at."""
    bundled = BundleItem.objects.filter(bundle__in=[grant.bundle_id, grant.pack_id]).order_by("pk")
    packed = PackItem.objects.filter(Q(benefit=grant.benefit_id) | Q(benefit__in=bundled.values("benefit")))
    return digest(
        grant.drafted_at.isoformat(),
        *bundled.values_list("bundle", "benefit", "value", "quota", "period"),
        *packed.order_by("pk").values_list("benefit", "reward", "quantity", "least_tier"),
    )
