from __future__ import annotations

from django import forms
from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.admin import tags, words
from common.admin.money import MoneyField
from common.admin.preview import PreviewMixin
from merchants.admin import price_words
from merchants.admin.site import site
from merchants.models import Deed, PriceLadder, PriceStep

from .base import PortalAdmin, PortalInline, may
from .owned import OwnedForm, OwnedMixin


class PriceStepForm(forms.ModelForm):
    price = MoneyField(
        label=_("Price of one piece"), required=False, help_text=_("Only where the ladder is for a SKU.")
    )

    class Meta:
        model = PriceStep
        fields = ["from_quantity", "price", "percent_off"]

    def clean_price(self):
        return self.cleaned_data["price"] or None

    def clean(self):
        data = super().clean()
        if (data.get("price") is None) == (data.get("percent_off") is None) and not self.errors:
            raise forms.ValidationError(gettext("Give a price or a percentage, not both."))
        if data.get("price") and not self.fields["ladder"].parent_instance.sku:
            raise forms.ValidationError(gettext("A price of one piece is for one SKU: name it above, or give percent."))
        return data


class PriceStepInline(PortalInline):
    model = PriceStep
    form = PriceStepForm
    edits = Deed.EDIT
    tab = False
    hide_title = True
    verbose_name_plural = _("Steps: the highest one that a line's quantity reaches counts for the whole line")


class PriceLadderForm(OwnedForm):
    class Meta:
        model = PriceLadder
        fields = ["name", "store", "sku", "category", "starts_at", "ends_at"]


@admin.register(PriceLadder, site=site)
class PriceLadderAdmin(OwnedMixin, PreviewMixin, PortalAdmin):
    """Prices for business members that fall with the quantity of a line."""

    edits = Deed.EDIT
    empty = _("No price ladder yet. Business members who buy many pieces at once can pay less.")
    form = PriceLadderForm
    list_display = ["name", "kind", "store_label", "steps_label", "starts_at", "ends_at", "state"]
    list_filter = ["store"]
    list_select_related = ["store"]
    search_fields = ["name", "sku", "category"]
    search_help_text = _("A name, a SKU or a category.")
    inlines = [PriceStepInline]
    preview_template = "merchants/ladder_preview.html"
    fieldsets = [
        (None, {"fields": ["name", ("sku", "category"), "store", ("starts_at", "ends_at")]}),
    ]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("steps")

    def has_delete_permission(self, request, obj=None):
        return may(request, self.edits)

    def preview(self, obj, inlines):
        steps = list(obj.steps.all()) if inlines is None else inlines
        return price_words.ladder_preview(obj, steps)

    @admin.display(description=_("for"))
    def kind(self, ladder):
        return ladder.sku or ladder.category or _("everything")

    @admin.display(description=_("store"), ordering="store")
    def store_label(self, ladder):
        return ladder.store or _("all stores")

    @admin.display(description=_("steps"))
    def steps_label(self, ladder):
        return ", ".join(
            f"{step.from_quantity}: {words.money(step.price) if step.price else f'−{step.percent_off} %'}"
            for step in ladder.steps.all()
        )

    @tags.tagged(_("state"), price_words.STATES)
    def state(self, ladder):
        return price_words.state(ladder, timezone.now())
