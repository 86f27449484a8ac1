from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter

from common.models import AuditEntry

from . import words
from .base import ReadOnlyAdmin


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what, to what, and why."""

    empty = _("Nobody has done anything worth writing down yet.")
    list_display = ["at", "actor_label", "summary", "reason", "action"]
    list_filter = [("at", RangeDateTimeFilter), "action"]
    search_fields = ["summary", "actor_label", "object_key", "reason"]
    search_help_text = _("Search for a person, an order or member, or words of the summary or reason.")
    date_hierarchy = "at"
    fields = ["at", "actor_label", "actor", "summary", "reason", "action", "object_type", "object_key", "details"]
    readonly_fields = ["details"]
    list_select_related = ["actor"]

    @admin.display(description=_("details"))
    def details(self, entry):
        return words.pairs(entry.data)
