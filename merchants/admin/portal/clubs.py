from django.contrib import admin

from merchants.admin.club_pages import ClubPages
from merchants.admin.site import site
from merchants.models import Club, Deed, Store

from .base import PortalAdmin, may, merchant_of, role_of


@admin.register(Club, site=site)
class ClubAdmin(ClubPages, PortalAdmin):
    """The merchant's own memberships."""

    edits = Deed.EDIT
    fields = ["name", ("scope", "brand"), "takes_part", ("unit_name", "money_unit", "welcome_points")]

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        form.stores = self.choices(request, Store)
        if obj is None and role_of(request):
            form.merchant = merchant_of(request)
        return form

    def save_model(self, request, obj, form, change):
        if not change:
            obj.merchant = merchant_of(request)
        super().save_model(request, obj, form, change)

    def has_open_permission(self, request, object_id=None):
        return may(request, Deed.EDIT) and self._is(request, object_id, Club.Status.DRAFT)

    def has_wind_down_permission(self, request, object_id=None):
        """It spends points of the purse."""
        return may(request, Deed.START) and self._is(request, object_id, Club.Status.OPEN)
