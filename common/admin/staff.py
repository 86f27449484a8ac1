from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from common.models import Staff

from . import tags
from .base import AuditedAdmin


@admin.register(Staff)
class StaffAdmin(UserAdmin, AuditedAdmin):
    """People who sign in: to which site, and what their roles let them do."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "full_name", "site_label", "roles", "is_active", "last_login"]
    list_filter = ["site", "is_active", "groups"]
    filter_horizontal = ["groups"]
    fieldsets = [
        (None, {"fields": ["username", "password", "first_name", "last_name", "email"]}),
        (_("Where and what"), {"fields": ["site", "groups", "is_active", "is_staff", "is_superuser"]}),
        (_("Dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["username", "usable_password", "password1", "password2", "site", "groups", "is_staff"]})
    ]
    readonly_fields = ["last_login", "date_joined"]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("groups")

    def get_readonly_fields(self, request, obj=None):
        """Only a superuser makes superusers or hands out roles: nobody gives himself more than he has."""
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else [*fields, "is_superuser", "groups", "site"]

    def has_delete_permission(self, request, obj=None):
        """Staff are switched off, never deleted: the audit log names them."""
        return False

    @admin.display(description=_("name"))
    def full_name(self, staff):
        return staff.get_full_name() or "–"

    @tags.tagged(_("site"), {"operators": tags.NEWS, "merchants": tags.WAITING})
    def site_label(self, staff):
        return staff.site, staff.get_site_display()

    @admin.display(description=_("roles"))
    def roles(self, staff):
        return ", ".join(group.name for group in staff.groups.all()) or "–"


admin.site.unregister(Group)  # Django's own page, in Django's own looks


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, AuditedAdmin):
    """Roles. Their permissions are written in config/roles.py and put here by `manage.py sync_roles`."""

    list_display = ["name", "people"]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("user_set")

    @admin.display(description=_("people"))
    def people(self, group):
        return ", ".join(person.get_username() for person in group.user_set.all()) or "–"

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
