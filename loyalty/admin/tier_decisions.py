"""Tiers that people decide on, many at once from a file; and the history of tiers as one."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from import_export import resources
from import_export.fields import Field

from common.admin.files import ExportAdminMixin, ImportAdminMixin, ImportResource
from common.problems import Problem
from loyalty.admin import amounts
from loyalty.models import Tier, TierChange
from loyalty.services import overrides
from members.models import Member


class TierDecisionRow(forms.Form):
    """One line of a file: who stands where, until the end of which day, and why."""

    external_id = forms.CharField(max_length=100)
    tier = forms.CharField(max_length=40)
    until = forms.DateField(input_formats=["%Y-%m-%d", "%Y-%m-%d %H:%M:%S"])
    note = forms.CharField(max_length=500)

    def __init__(self, *args, members: dict[str, Member], tiers: dict[str, Tier], **kwargs):
        super().__init__(*args, **kwargs)
        self.members, self.tiers = members, tiers

    def clean_external_id(self):
        name = self.cleaned_data["external_id"]
        if name not in self.members:
            raise ValidationError(gettext("No such member, or twice in this file: %s") % name)
        return self.members.pop(name)

    def clean_tier(self):
        tier = self.tiers.get(self.cleaned_data["tier"])
        if tier is None:
            raise ValidationError(gettext("No such tier: %s") % self.cleaned_data["tier"])
        return tier


class TierDecisionResource(ImportResource):
    """External id, tier, until, note: each row is one tier set by hand."""

    row_form = TierDecisionRow
    external_id = Field("member__external_id", "external_id")
    tier = Field("after__code", "tier")
    until = Field("until_on", "until")
    note = Field("note", "note")

    class Meta:
        model = TierChange
        name = _("tiers set by hand")
        fields = ("external_id", "tier", "until", "note")
        import_id_fields = ("external_id",)
        force_init_instance = True

    def prepare(self, dataset):
        """The members and tiers that the file may name."""
        names = {str(name) for name in dataset["external_id"]}
        self.options = {
            "members": {member.external_id: member for member in Member.objects.filter(external_id__in=names)},
            "tiers": {tier.code: tier for tier in Tier.objects.all()},
        }

    def form_options(self):
        return self.options

    def fill(self, instance, data):
        instance.member, instance.after = data["external_id"], data["tier"]
        instance.until_on, instance.note = data["until"], data["note"]

    def save_instance(self, instance, is_create, row, **kwargs):
        """The service decides whether it can be; its refusal is the row's."""
        try:
            overrides.set_tier(
                instance.member,
                instance.after,
                instance.until_on,
                note=instance.note,
                actor=self.actor,
                at=timezone.now(),
            )
        except Problem as problem:
            raise ValidationError(str(problem.detail) or str(problem.title)) from problem


class TierChangeResource(resources.ModelResource):
    """The history of tiers, in the outside world's own names; growth in whole units and hundredths."""

    at = Field("at", "at")
    external_id = Field("member__external_id", "external_id")
    before = Field("before__code", "before")
    after = Field("after__code", "after")
    reason = Field("reason", "reason")
    growth = Field(column_name="growth")
    until = Field("until", "until")
    note = Field("note", "note")
    decided_by = Field("decided_by__username", "decided_by")

    class Meta:
        model = TierChange
        name = _("tier changes")
        fields = ("at", "external_id", "before", "after", "reason", "growth", "until", "note", "decided_by")

    def dehydrate_growth(self, change):
        return amounts.plain(change.growth)


class TierDecisionFiles(ImportAdminMixin, ExportAdminMixin):
    """For the list of tier changes: tiers set by hand come as a file, the history leaves as one."""

    import_export_change_list_template = "admin/import_export/change_list_import_export.html"
    import_permission = "loyalty.override_standing"

    def get_import_resource_classes(self, request):
        return [TierDecisionResource]

    def get_export_resource_classes(self, request):
        return [TierChangeResource]
