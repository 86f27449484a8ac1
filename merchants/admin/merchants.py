from django.contrib import admin
from django.db.models import Count
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from common.admin import words
from common.admin.base import AuditedAdmin
from common.admin.choices import RowChoices
from merchants.models import Merchant, StaffRole, Store


class StoreInline(TabularInline):
    model = Store
    fields = ["code", "name"]
    extra = 0
    tab = True


class StaffRoleInline(RowChoices, TabularInline):
    model = StaffRole
    extra = 0
    tab = True
    autocomplete_fields = ["staff"]


@admin.register(Merchant)
class MerchantAdmin(AuditedAdmin):
    """Companies that sell on the marketplace."""

    empty = _("No merchant yet. Orders may name stores all the same; they are matched by code.")
    list_display = ["name", "code", "store_count"]
    search_fields = ["name", "code"]
    search_help_text = _("A name or a code.")
    inlines = [StoreInline, StaffRoleInline]

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(stores_total=Count("stores"))

    @admin.display(description=_("stores"), ordering="stores_total")
    def store_count(self, merchant):
        return words.number(merchant.stores_total)


@admin.register(StaffRole)
class StaffRoleAdmin(AuditedAdmin):
    """Who works for which merchant."""

    empty = _("Nobody of a merchant can sign in yet. Add a staff member of the merchants' site, then the role here.")
    list_display = ["staff", "merchant", "role"]
    list_select_related = ["staff", "merchant"]
    list_filter = ["role"]
    search_fields = ["staff__username", "merchant__name"]
    autocomplete_fields = ["staff", "merchant"]
