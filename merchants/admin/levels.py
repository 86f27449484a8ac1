from django.contrib import admin
from unfold.admin import TabularInline

from common.admin.base import AuditedAdmin
from merchants.models import LevelScheme

from .level_pages import LevelPages, LevelRows


class LevelInline(LevelRows, TabularInline):
    pass


@admin.register(LevelScheme)
class LevelSchemeAdmin(LevelPages, AuditedAdmin):
    """Levels of all memberships: drafts, and every state that was published."""

    inlines = [LevelInline]
    search_fields = ["club__name", "club__merchant__name"]
    list_filter = ["status"]

    def has_publish_permission(self, request, object_id=None):
        return super().has_change_permission(request) and self._is_draft(request, object_id)
