from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from common.admin import words
from common.admin.base import ReadOnlyAdmin
from merchants.models import InsightAccess


@admin.register(InsightAccess)
class InsightAccessAdmin(ReadOnlyAdmin):
    """Every look of a merchant's staff at what a member bought there. Members see their own."""

    empty = _("No merchant has looked at a member yet.")
    list_display = ["at", "merchant", "staff_label", "member", "what"]
    list_display_links = None
    list_filter = ["what"]
    list_select_related = ["merchant", "member"]
    search_fields = ["merchant__name", "=merchant__code", "=member__external_id", "staff_label"]
    search_help_text = _("A merchant, a member's external id, or who looked.")
    date_hierarchy = "at"
    fields = ["at", "merchant", "staff_label", "member_link", "what"]
    readonly_fields = ["member_link"]

    @admin.display(description=_("member"))
    def member_link(self, access):
        return words.link(access.member)
