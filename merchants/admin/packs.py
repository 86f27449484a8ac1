"""What merchants can buy: packs, and the tariff for any other number of points."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from common.admin import words
from common.admin.base import AuditedAdmin
from common.admin.money import MoneyField
from merchants.admin.purse_words import worth
from merchants.models import PointPack, PointTariff
from merchants.selectors import tariffs


class PackForm(forms.ModelForm):
    price = MoneyField(label=_("price"), help_text=_("All in: no fee is added."))

    class Meta:
        model = PointPack
        fields = ["name", "code", "points", "price", "validity_days", "is_active"]


@admin.register(PointPack)
class PointPackAdmin(AuditedAdmin):
    """Prepaid packs."""

    empty = _("No pack yet. Merchants can buy any number of points all the same, at the tariff.")
    form = PackForm
    list_display = ["name", "code", "how_many", "costs", "is_worth", "validity", "is_active"]
    list_filter = ["is_active"]
    search_fields = ["name", "code"]
    search_help_text = _("A name or a code.")

    @admin.display(description=_("points"), ordering="points")
    def how_many(self, pack):
        return words.number(pack.points)

    @admin.display(description=_("price"), ordering="price")
    def costs(self, pack):
        return words.money(pack.price)

    @admin.display(description=_("published value"))
    def is_worth(self, pack):
        return worth(pack.points)

    @admin.display(description=_("good for"))
    def validity(self, pack):
        return _("%d days") % pack.validity_days if pack.validity_days else _("ever")

    def has_delete_permission(self, request, obj=None):
        return False


class TariffForm(forms.ModelForm):
    fee_fixed = MoneyField(label=_("fixed fee"), help_text=_("For each purchase."))

    class Meta:
        model = PointTariff
        fields = ["fee_permille", "fee_fixed", "least", "most"]


@admin.register(PointTariff)
class PointTariffAdmin(AuditedAdmin):
    """The one row."""

    form = TariffForm

    def changelist_view(self, request, extra_context=None):
        """Straight to the one row there is."""
        tariff = tariffs.current()
        return redirect(reverse("admin:merchants_pointtariff_change", args=[tariff.pk]))

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
