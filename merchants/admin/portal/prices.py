from __future__ import annotations

from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.admin import tags, words
from common.admin.base import actor
from common.admin.files import ExportAdminMixin, ImportAdminMixin
from common.admin.money import MoneyField
from common.admin.preview import PreviewMixin
from merchants.admin import price_words
from merchants.admin.site import site
from merchants.models import Deed, MemberPrice

from .base import PortalAdmin, may, merchant_of
from .owned import OwnedForm, OwnedMixin
from .price_files import PriceResource


class MemberPriceForm(OwnedForm):
    price = MoneyField(label=_("Price of one piece"), min_value=0)

    class Meta:
        model = MemberPrice
        fields = ["sku", "store", "price", "who", "tier", "plan", "club", "level", "starts_at", "ends_at"]


@admin.register(MemberPrice, site=site)
class MemberPriceAdmin(OwnedMixin, PreviewMixin, ImportAdminMixin, ExportAdminMixin, PortalAdmin):
    """What members pay for a SKU. Of several prices that a member may have, the lowest wins."""

    import_export_change_list_template = "admin/import_export/change_list_import_export.html"
    resource_classes = [PriceResource]
    edits = Deed.EDIT
    empty = _("No member price yet. Set what members of a tier, a plan or your membership pay for a SKU.")
    form = MemberPriceForm
    list_display = ["sku", "whom_label", "price_label", "store_label", "starts_at", "ends_at", "state"]
    list_filter = ["who", "store", "tier", "plan", "club"]
    list_select_related = ["store", "tier", "plan", "club"]
    search_fields = ["sku"]
    search_help_text = _("A SKU.")
    preview_template = "merchants/price_preview.html"
    fieldsets = [
        (None, {"fields": [("sku", "store"), "price"]}),
        (_("For whom"), {"fields": ["who", ("tier", "plan"), ("club", "level")]}),
        (_("When"), {"fields": [("starts_at", "ends_at")]}),
    ]

    def has_delete_permission(self, request, obj=None):
        return may(request, self.edits)

    def has_import_permission(self, request):
        return may(request, self.edits)

    def has_export_permission(self, request):
        return may(request, self.looks)

    def get_import_resource_kwargs(self, request, *args, **kwargs):
        return {"actor": actor(request), "merchant": merchant_of(request)}

    def save_model(self, request, obj, form, change):
        obj.changed_at = timezone.now()
        obj.created_at = obj.created_at or obj.changed_at
        super().save_model(request, obj, form, change)

    def preview(self, obj, inlines):
        return price_words.preview(obj)

    @admin.display(description=_("for whom"))
    def whom_label(self, price):
        return price.whom()

    @admin.display(description=_("price"), ordering="price")
    def price_label(self, price):
        return words.money(price.price)

    @admin.display(description=_("store"), ordering="store")
    def store_label(self, price):
        return price.store or _("all stores")

    @tags.tagged(_("state"), price_words.STATES)
    def state(self, price):
        return price_words.state(price, timezone.now())
