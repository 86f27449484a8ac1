from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from common.admin.base import AuditedAdmin
from rewards.admin import benefit_words
from rewards.admin.allowances import AllowanceForm
from rewards.models import Bundle, BundleItem


class ItemForm(AllowanceForm):
    """One benefit of the bundle."""

    class Meta:
        model = BundleItem
        fields = ["benefit", "value", "quota", "period"]


class ItemInline(TabularInline):
    model = BundleItem
    form = ItemForm
    extra = 0
    verbose_name_plural = _("Benefits")

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("benefit")

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        """Benefits are made on their own page."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "benefit":
            for deed in ("add", "change", "delete", "view"):
                setattr(field.widget, f"can_{deed}_related", False)
        return field


class BundleForm(forms.ModelForm):
    class Meta:
        model = Bundle
        fields = ["name", "code", "description", "adds_quotas"]


@admin.register(Bundle)
class BundleAdmin(AuditedAdmin):
    """Benefits that are given together. Once a grant of it is in force it stays as it is: a change is a new bundle."""

    empty = _("No bundle yet. A bundle gives several benefits by one grant, or fills a birthday pack.")
    form = BundleForm
    inlines = [ItemInline]
    list_display = ["name", "contents", "adds_quotas"]
    search_fields = ["name", "code"]
    search_help_text = _("A name or a code.")
    prepopulated_fields = {"code": ["name"]}

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("items__benefit")

    def get_readonly_fields(self, request, obj=None):
        return ["code", "contents"] if obj else []

    def get_fields(self, request, obj=None):
        """What is given stands there in words, what is written in rows."""
        read = obj is not None and not self.has_change_permission(request, obj)
        return ["name", "code", "description", "adds_quotas", *(["contents"] if read else [])]

    def get_inlines(self, request, obj):
        return self.inlines if obj is None or self.has_change_permission(request, obj) else []

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else self.prepopulated_fields

    def has_change_permission(self, request, obj=None):
        """What is given, or waits for a birthday, was agreed to by two persons: a change is a new bundle."""
        return super().has_change_permission(request, obj) and (obj is None or not _is_given(obj))

    def has_delete_permission(self, request, obj=None):
        return obj is not None and not _is_named(obj) and super().has_delete_permission(request, obj)

    @admin.display(description=_("benefits"))
    def contents(self, bundle):
        return "; ".join(benefit_words.gives(item.benefit, item) for item in bundle.items.all()) or "–"


def _is_given(bundle: Bundle) -> bool:
    return any(rows.exclude(status="draft").exists() for rows in (bundle.grants, bundle.packed_by))


def _is_named(bundle: Bundle) -> bool:
    return bundle.grants.exists() or bundle.packed_by.exists()
