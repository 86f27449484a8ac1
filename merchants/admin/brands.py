from __future__ import annotations

from django import forms
from django.contrib import admin
from django.db.models import Count
from django.utils.translation import gettext_lazy as _
from import_export.fields import Field
from import_export.instance_loaders import CachedInstanceLoader

from common.admin import words
from common.admin.base import AuditedAdmin
from common.admin.files import ExportAdminMixin, ImportAdminMixin
from merchants.models import Brand

from .stores import ByCodeResource


class BrandRow(forms.Form):
    """One line of a file."""

    code = forms.SlugField(max_length=60)
    name = forms.CharField(max_length=100)
    merchant = forms.CharField(max_length=60)


class BrandResource(ByCodeResource):
    row_form = BrandRow
    merchant_code = Field("merchant__code", "merchant")

    class Meta:
        model = Brand
        name = _("brands")
        fields = ("code", "name", "merchant_code")
        import_id_fields = ("code",)
        instance_loader_class = CachedInstanceLoader
        clean_model_instances = True

    def fill(self, instance, data):
        self.once(data)
        instance.merchant = self.merchant(instance, data)
        instance.code, instance.name = data["code"], data["name"]


@admin.register(Brand)
class BrandAdmin(ImportAdminMixin, ExportAdminMixin, AuditedAdmin):
    """Brands: their stores, mini-programs and shops in town can share one membership."""

    import_export_change_list_template = "admin/import_export/change_list_import_export.html"
    import_permission = "merchants.add_brand"
    resource_classes = [BrandResource]
    empty = _("No brand yet. A membership of a brand names one.")
    list_display = ["name", "code", "merchant", "store_count"]
    list_select_related = ["merchant"]
    search_fields = ["name", "code", "merchant__name"]
    search_help_text = _("A brand's or merchant's name, or a brand's code.")
    autocomplete_fields = ["merchant"]

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(stores_total=Count("stores"))

    def get_readonly_fields(self, request, obj=None):
        return ["code", "merchant"] if obj else []

    @admin.display(description=_("stores"), ordering="stores_total")
    def store_count(self, brand):
        return words.number(brand.stores_total)
