from django.contrib import admin

from merchants.admin.level_pages import LevelPages, LevelRows
from merchants.admin.site import site
from merchants.models import Deed, LevelScheme

from .base import PortalAdmin, PortalInline, may


class LevelInline(LevelRows, PortalInline):
    edits = Deed.EDIT
    tab = False


@admin.register(LevelScheme, site=site)
class LevelSchemeAdmin(LevelPages, PortalAdmin):
    """Levels of the own memberships: the draft, and every state that was published."""

    tenant = "club__merchant"
    edits = Deed.EDIT
    inlines = [LevelInline]

    def has_publish_permission(self, request, object_id=None):
        return may(request, Deed.EDIT) and self._is_draft(request, object_id)
