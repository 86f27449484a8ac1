from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from common.admin import words
from common.admin.base import AuditedAdmin
from merchants.models import Club, Store

from .club_pages import ClubPages


@admin.register(Club)
class ClubAdmin(ClubPages, AuditedAdmin):
    """Memberships of all merchants."""

    list_display = ["name", "merchant_link", *ClubPages.list_display[1:]]
    search_fields = ["name", "merchant__name", "merchant__code"]
    search_help_text = _("A membership's or merchant's name.")
    autocomplete_fields = ["merchant", "brand"]
    fields = ["merchant", "name", ("scope", "brand"), "takes_part", ("unit_name", "money_unit", "welcome_points")]

    def get_fields(self, request, obj=None):
        """The stores come when it is known whose they are."""
        return self.fields if obj else [field for field in self.fields if field != "takes_part"]

    def get_readonly_fields(self, request, obj=None):
        return ["merchant", *super().get_readonly_fields(request, obj)] if obj else []

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        form.stores = Store.objects.filter(merchant=obj.merchant) if obj else Store.objects.none()
        return form

    def has_open_permission(self, request, object_id=None):
        return self.has_change_permission(request) and self._is(request, object_id, Club.Status.DRAFT)

    def has_wind_down_permission(self, request, object_id=None):
        return self.has_change_permission(request) and self._is(request, object_id, Club.Status.OPEN)

    @admin.display(description=_("merchant"), ordering="merchant__name")
    def merchant_link(self, club):
        return words.link(club.merchant)
