"""The deny-list and the allow-list: entered by hand or from a file, made by rules, lifted with a reason."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from import_export.fields import Field
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from common.admin import confirm, tags, words
from common.admin.base import Admin, actor, refuse
from common.admin.files import ExportAdminMixin, ImportAdminMixin, ImportResource
from common.problems import Problem
from members.admin import risk_words
from members.models import RiskListing
from members.models.risk_words import FACTS, Action
from members.services import risk_listings

_GUARDED = [(action.value, action.label) for action in Action if action not in FACTS]


class ListingForm(forms.ModelForm):
    """A new entry. Devices, addresses and phone numbers are kept as digests only."""

    name = forms.CharField(
        label=_("who or what"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("A member's external id, a device id, a network address or a phone number."),
    )
    actions = forms.MultipleChoiceField(
        label=_("for"),
        choices=_GUARDED,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Nothing chosen: everything."),
    )

    class Meta:
        model = RiskListing
        fields = ["kind", "by", "actions", "reason", "starts_at", "ends_at"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial.setdefault("starts_at", timezone.now())

    def clean(self):
        data = super().clean()
        if data.get("name") and data.get("by"):
            try:
                self.instance.subject, self.instance.member = risk_listings.describe(data["by"], data["name"].strip())
            except Problem as problem:
                self.add_error("name", str(problem.detail))
        if data.get("starts_at") and data.get("ends_at") and data["ends_at"] <= data["starts_at"]:
            self.add_error("ends_at", gettext("The end comes after the start."))
        return data


class ListingRow(forms.Form):
    """One line of a file: the list, by what it is known, who or what, why, for which actions and until when."""

    kind = forms.ChoiceField(choices=RiskListing.Kind.choices)
    by = forms.ChoiceField(choices=RiskListing.By.choices)
    subject = forms.CharField(max_length=200)
    reason = forms.CharField(max_length=300)
    actions = forms.CharField(required=False)
    ends_at = forms.DateTimeField(required=False)

    def clean_actions(self):
        names = [name.strip() for name in self.cleaned_data["actions"].split(",") if name.strip()]
        if unknown := [name for name in names if name not in dict(_GUARDED)]:
            raise ValidationError(gettext("Nothing of this name is guarded: %s") % ", ".join(unknown))
        return names


class ListingResource(ImportResource):
    """kind, by, subject, reason, actions, ends_at. What is exported of devices and phones are digests, which are no input."""

    row_form = ListingRow
    actions = Field("actions", "actions")

    class Meta:
        model = RiskListing
        name = _("entries")
        fields = ("kind", "by", "subject", "reason", "actions", "ends_at")
        export_order = fields
        import_id_fields = ("by", "subject")
        force_init_instance = True
        use_bulk = True

    def dehydrate_actions(self, listing):
        return ",".join(listing.actions)

    def fill(self, instance, data):
        try:
            instance.subject, instance.member = risk_listings.describe(data["by"], data["subject"])
        except Problem as problem:
            raise ValidationError({"subject": str(problem.detail)}) from None
        instance.kind, instance.by, instance.reason = data["kind"], data["by"], data["reason"]
        instance.actions, instance.ends_at = data["actions"], data["ends_at"]
        instance.starts_at = timezone.now()
        if instance.ends_at is not None and instance.ends_at <= instance.starts_at:
            raise ValidationError({"ends_at": gettext("This is in the past.")})

    def bulk_create(self, using_transactions, dry_run, raise_errors, batch_size=None, result=None):
        """The service enters them, all or none."""
        if not dry_run and self.create_instances:
            risk_listings.enter_all(self.create_instances, self.actor, timezone.now())
        self.create_instances.clear()


class InForceFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("on", _("In force")), ("off", _("Over, or not begun"))]

    def queryset(self, request, queryset):
        on = RiskListing.objects.in_force(timezone.now()).values("pk")
        if self.value() == "on":
            return queryset.filter(pk__in=on)
        return queryset.exclude(pk__in=on) if self.value() == "off" else queryset


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("why"), max_length=300, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}))


@admin.register(RiskListing)
class RiskListingAdmin(ImportAdminMixin, ExportAdminMixin, Admin):
    """Who and what is denied or allowed. Entries are lifted, never changed or deleted."""

    import_export_change_list_template = "admin/import_export/change_list_import_export.html"
    import_permission = "members.add_risklisting"
    resource_classes = [ListingResource]
    empty = _("Nobody is listed. Deny beats everything; allow beats the rules.")
    form = ListingForm
    actions = None
    list_display = ["who", "list_label", "what_for", "state", "starts_at", "ends_at", "reason", "origin"]
    list_filter = ["kind", "by", InForceFilter]
    list_select_related = ["member", "version__rule", "created_by"]
    search_fields = ["=subject", "member__name", "reason"]
    search_help_text = _("A member's external id or name, a whole digest, or words of the reason.")
    date_hierarchy = "starts_at"
    actions_detail = ["lift"]
    add_fields = ["kind", ("by", "name"), "actions", "reason", ("starts_at", "ends_at")]
    fields = [("who", "list_label"), ("what_for", "state"), ("starts_at", "ends_at"), "reason", ("origin", "lifted_by")]
    readonly_fields = ["who", "list_label", "what_for", "state", "origin", "lifted_by"]

    def get_fields(self, request, obj=None):
        return self.fields if obj else self.add_fields

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def has_lift_permission(self, request: HttpRequest, object_id=None) -> bool:
        may = request.user.has_perm("members.lift_risklisting")
        return may and RiskListing.objects.in_force(timezone.now()).filter(pk=object_id).exists()

    @admin.display(description=_("who or what"), ordering="subject")
    def who(self, listing):
        return words.link(listing.member) if listing.member_id else listing.shown

    @tags.tagged(_("list"), {RiskListing.Kind.DENY: tags.BAD, RiskListing.Kind.ALLOW: tags.GOOD})
    def list_label(self, listing):
        return listing.kind, listing.get_kind_display()

    @admin.display(description=_("for"))
    def what_for(self, listing):
        return risk_words.actions(listing.actions)

    @tags.tagged(_("state"), {"on": tags.NEWS})
    def state(self, listing):
        return (
            ("on", gettext("In force")) if listing.is_in_force(timezone.now()) else ("", gettext("Over, or not begun"))
        )

    @admin.display(description=_("by"))
    def origin(self, listing):
        return listing.version or listing.created_by or "–"

    def save_model(self, request, obj, form, change):
        risk_listings.enter(obj, actor(request), timezone.now())

    def log_addition(self, request, obj, message):
        """The service has written it down. Django's own log would keep the member's name, and nobody erases there."""

    @action(description=_("Lift"), icon="lock_open", permissions=["lift"], url_path="lift")
    def lift(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """End it now, with a reason."""
        listing = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                risk_listings.lift(listing, actor(request), timezone.now(), reason=form.cleaned_data["reason"])
                messages.success(request, gettext("Lifted."))
            except Problem as problem:
                refuse(request, problem)
            return redirect("admin:members_risklisting_change", object_id)
        says = [gettext("It ends now and counts no more. The entry stays as history.")]
        return confirm.page(
            self, request, listing, title=gettext("Lift this entry?"), says=says, submit=gettext("Lift"), form=form
        )
