from __future__ import annotations

from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.admin import tags, words
from common.admin.base import HistoryAdmin, ReadOnlyAdmin, ReadOnlyInline, ReadOnlyMixin
from merchants.admin import price_words
from merchants.models import MemberPrice, PriceLadder, PriceStep


@admin.register(MemberPrice)
class MemberPriceAdmin(ReadOnlyMixin, HistoryAdmin):
    """What merchants' members pay, with every earlier state. Merchants set it at their own site."""

    empty = _("No merchant has set a member price yet.")
    list_display = ["sku", "merchant", "whom_label", "price_label", "store_label", "starts_at", "ends_at", "state"]
    list_filter = ["who", "tier", "plan"]
    list_select_related = ["merchant", "store", "tier", "plan", "club"]
    search_fields = ["sku", "merchant__name", "=merchant__code"]
    search_help_text = _("A SKU, or a merchant's name or code.")
    fields = [
        "merchant", "sku", "store_label", "whom_label", "price_label", "starts_at", "ends_at", "created_at", "changed_at",
    ]  # fmt: skip
    readonly_fields = ["whom_label", "price_label", "store_label"]

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


class PriceStepInline(ReadOnlyInline):
    model = PriceStep
    fields = ["from_quantity", "price_label", "percent_off"]
    readonly_fields = ["price_label"]

    @admin.display(description=_("price of one piece"))
    def price_label(self, step):
        return words.money(step.price)


@admin.register(PriceLadder)
class PriceLadderAdmin(ReadOnlyAdmin):
    """Merchants' prices by quantity for business members."""

    empty = _("No merchant has a price ladder yet.")
    list_display = ["name", "merchant", "sku", "category", "starts_at", "ends_at", "state"]
    list_select_related = ["merchant"]
    search_fields = ["name", "sku", "category", "merchant__name"]
    search_help_text = _("A name, a SKU, a category or a merchant.")
    fields = ["merchant", "name", "store", "sku", "category", "starts_at", "ends_at"]
    inlines = [PriceStepInline]

    @tags.tagged(_("state"), price_words.STATES)
    def state(self, ladder):
        return price_words.state(ladder, timezone.now())
