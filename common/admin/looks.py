"""The access log, for whoever answers for privacy: which of the staff was shown whose data."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter

from common.models import Look

from .base import ReadOnlyAdmin


class SiteFilter(admin.SimpleListFilter):
    """Looks of the programme's own staff, or of merchants'."""

    title = _("for")
    parameter_name = "side"

    def lookups(self, request, model_admin):
        return [("programme", _("The programme")), ("merchants", _("A merchant"))]

    def queryset(self, request, queryset):
        if self.value() == "programme":
            return queryset.filter(behalf="")
        return queryset.exclude(behalf="") if self.value() == "merchants" else queryset


@admin.register(Look)
class LookAdmin(ReadOnlyAdmin):
    """Who of the staff looked at whom, where and when. Lists say what was asked and how many rows came."""

    empty = _("Nobody of the staff has looked at anybody's data yet.")
    list_display = ["at", "staff_label", "for_whom", "kind", "page_name", "about", "query", "rows"]
    list_display_links = None
    list_filter = [("at", RangeDateTimeFilter), "kind", SiteFilter]
    search_fields = ["=subject", "staff_label", "=behalf", "=page", "query"]
    search_help_text = _("Whom it was about, who looked, a merchant's code, a page, or what was asked.")
    date_hierarchy = "at"
    fields = ["at", "staff_label", "for_whom", "kind", "page_name", "about", "query", "rows"]
    readonly_fields = ["for_whom", "page_name", "about"]

    @admin.display(description=_("for"))
    def for_whom(self, look):
        return look.behalf or gettext("The programme")

    @admin.display(description=_("page"))
    def page_name(self, look):
        return page_name(look.page)

    @admin.display(description=_("about whom"))
    def about(self, look):
        return look.subject or "–"


def page_name(page: str) -> str:
    """A page as people call it: loyalty.order -> Orders."""
    try:
        return str(apps.get_model(page)._meta.verbose_name_plural).capitalize()
    except (LookupError, ValueError):
        return page
