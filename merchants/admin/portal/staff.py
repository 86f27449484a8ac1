from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from merchants.admin.site import site
from merchants.models import StaffRole

from .base import PortalReadOnlyAdmin, role_of


@admin.register(StaffRole, site=site)
class StaffRoleAdmin(PortalReadOnlyAdmin):
    """Who works here, for owners. The marketplace's operators let people in and out."""

    empty = _("Nobody works here yet.")
    list_display = ["name", "username", "role", "last_seen"]
    list_display_links = None
    list_select_related = ["staff"]
    list_filter = ["role"]
    search_fields = ["staff__username", "staff__first_name", "staff__last_name"]
    search_help_text = _("A name.")
    fields = ["name", "username", "role", "last_seen"]

    def has_module_permission(self, request):
        return self.has_view_permission(request)

    def has_view_permission(self, request, obj=None):
        role = role_of(request)
        return role is not None and role.role == StaffRole.Role.OWNER

    @admin.display(description=_("name"), ordering="staff__first_name")
    def name(self, role):
        return role.staff.get_full_name() or role.staff.get_username()

    @admin.display(description=_("signs in as"), ordering="staff__username")
    def username(self, role):
        return role.staff.get_username()

    @admin.display(description=_("last sign-in"), ordering="staff__last_login")
    def last_seen(self, role):
        return role.staff.last_login
