from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from import_export.fields import Field
from import_export.instance_loaders import CachedInstanceLoader
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from common.admin import confirm, words
from common.admin.base import AuditedAdmin, ReadOnlyAdmin, actor, refuse
from common.admin.files import ExportAdminMixin, ImportAdminMixin, ImportResource
from common.problems import Problem
from common.services import audit
from merchants.models import Brand, Merchant, Store, UnknownStore
from merchants.selectors import stores as selector
from merchants.services import stores


class ByCodeResource(ImportResource):
    """Rows known by their code: new ones are made, known ones brought up to date. Nothing changes its merchant."""

    def prepare(self, dataset):
        codes = {str(code) for name in ("merchant", "brand") if name in dataset.headers for code in dataset[name]}
        self.merchants = {row.code: row for row in Merchant.objects.filter(code__in=codes)}
        self.brands = {row.code: row for row in Brand.objects.filter(code__in=codes)}
        self.met: set[str] = set()

    def once(self, data) -> None:
        """A code stands in a file once."""
        if data["code"] in self.met:
            raise ValidationError({"code": gettext("This code stands in the file twice.")})
        self.met.add(data["code"])

    def merchant(self, instance, data) -> Merchant:
        """The merchant that the row names, who must be the one there was."""
        found = self.merchants.get(data["merchant"])
        if found is None:
            raise ValidationError({"merchant": gettext("No such merchant: %s") % data["merchant"]})
        if instance.pk and instance.merchant_id != found.pk:
            raise ValidationError({"merchant": gettext("%s is another merchant's.") % instance})
        return found

    def after_import(self, dataset, result, **kwargs):
        what = self._meta.model._meta
        summary = gettext("Imported: %(what)s (%(rows)d)") % {
            "what": what.verbose_name_plural, "rows": result.total_rows,
        }  # fmt: skip
        audit.record(self.actor, f"merchants.{what.model_name}.import", None, summary, timezone.now())


class StoreRow(forms.Form):
    """One line of a file."""

    code = forms.CharField(max_length=60)
    name = forms.CharField(max_length=200)
    merchant = forms.CharField(max_length=60)
    brand = forms.CharField(max_length=60, required=False)


class StoreResource(ByCodeResource):
    row_form = StoreRow
    merchant_code = Field("merchant__code", "merchant")
    brand_code = Field("brand__code", "brand")

    class Meta:
        model = Store
        name = _("stores")
        fields = ("code", "name", "merchant_code", "brand_code")
        import_id_fields = ("code",)
        instance_loader_class = CachedInstanceLoader
        clean_model_instances = True

    def fill(self, instance, data):
        self.once(data)
        brand = self.brands.get(data["brand"]) if data["brand"] else None
        if data["brand"] and brand is None:
            raise ValidationError({"brand": gettext("No such brand: %s") % data["brand"]})
        instance.merchant = self.merchant(instance, data)
        if brand and brand.merchant_id != instance.merchant_id:
            raise ValidationError({"brand": gettext("The brand is another merchant's.")})
        instance.code, instance.name, instance.brand = data["code"], data["name"], brand


class StoreForm(forms.ModelForm):
    class Meta:
        model = Store
        fields = ["code", "name", "merchant", "brand"]

    def clean(self):
        data = super().clean()
        merchant = data.get("merchant", self.instance.merchant if self.instance.merchant_id else None)
        if data.get("brand") and merchant and data["brand"].merchant_id != merchant.pk:
            self.add_error("brand", gettext("The brand is another merchant's."))
        return data


@admin.register(Store)
class StoreAdmin(ImportAdminMixin, ExportAdminMixin, AuditedAdmin):
    """Shop fronts. Order lines name them by code."""

    import_export_change_list_template = "admin/import_export/change_list_import_export.html"
    import_permission = "merchants.add_store"
    resource_classes = [StoreResource]
    form = StoreForm
    empty = _("No store yet.")
    list_display = ["name", "code", "merchant", "brand"]
    list_select_related = ["merchant", "brand"]
    search_fields = ["name", "code", "merchant__name"]
    search_help_text = _("A store's or merchant's name, or a store's code.")
    autocomplete_fields = ["merchant", "brand"]

    def get_readonly_fields(self, request, obj=None):
        """Orders name the code; cards are the merchant's."""
        return ["code", "merchant"] if obj else []


class AdoptForm(forms.Form):
    """Whose store it is, and what it is called."""

    merchant = forms.ModelChoiceField(Merchant.objects.all(), label=_("merchant"), widget=UnfoldAdminSelectWidget)
    name = forms.CharField(label=_("name"), max_length=200, widget=UnfoldAdminTextInputWidget)


@admin.register(UnknownStore)
class UnknownStoreAdmin(ReadOnlyAdmin):
    """Store codes that orders name and no store bears."""

    empty = _("Every store that orders name is known.")
    list_display = ["code", "line_count", "money", "first_seen_at", "last_seen_at"]
    search_fields = ["code"]
    actions_detail = ["adopt"]
    fields = ["code", ("line_count", "money"), ("first_seen_at", "last_seen_at")]
    readonly_fields = ["line_count", "money"]

    def get_queryset(self, request):
        return selector.unknown()

    def get_ordering(self, request):
        return ["-lines", "code"]

    def has_adopt_permission(self, request, object_id=None):
        return request.user.has_perm("merchants.add_store")

    @admin.display(description=_("order lines"), ordering="lines")
    def line_count(self, row):
        return words.number(row.lines)

    @admin.display(description=_("cash of completed orders"), ordering="cash")
    def money(self, row):
        return words.money(row.cash)

    @action(description=_("Adopt"), icon="add_business", permissions=["adopt"])
    def adopt(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Say what adoption means, ask whose store it is, then make it one."""
        if not self.has_adopt_permission(request):
            raise PermissionDenied
        row = get_object_or_404(selector.unknown(), pk=object_id)
        form = AdoptForm(request.POST or None, initial={"name": row.code})
        if request.method == "POST" and form.is_valid():
            try:
                data, now = form.cleaned_data, timezone.now()
                store = stores.adopt(row.code, data["merchant"], data["name"], actor=actor(request), at=now)
                messages.success(request, gettext("%s is a store now. Let it take part in a membership.") % store)
                return redirect("admin:merchants_store_change", store.pk)
            except Problem as problem:
                refuse(request, problem)
                return redirect("admin:merchants_unknownstore_changelist")
        facts = [
            (gettext("Order lines so far"), words.number(row.lines)),
            (gettext("Cash of completed orders"), words.money(row.cash)),
        ]
        says = [
            gettext("The code becomes a store of the merchant. From now on its orders count on members' cards."),
            gettext("What was ordered before does not: no card was open there."),
        ]
        title, submit = gettext("Adopt the store?"), gettext("Adopt")
        return confirm.page(self, request, row, title=title, says=says, facts=facts, submit=submit, form=form)
