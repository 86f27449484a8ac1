from django.contrib import admin
from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from common.admin import words
from common.admin.base import AuditedAdmin
from loyalty.models import Tier


@admin.register(Tier)
class TierAdmin(AuditedAdmin):
    """Levels of standing, the lowest first."""

    empty = _("No tier yet. Rules can ask for tiers as soon as they exist.")
    list_display = ["name", "rank", "code", "member_count"]
    search_fields = ["name", "code"]
    ordering = ["rank"]

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(size=Count("wallets"))

    def get_readonly_fields(self, request, obj=None):
        """Rules know a tier by its code."""
        return ["code"] if obj else []

    @admin.display(description=_("members"), ordering="size")
    def member_count(self, tier):
        return words.number(tier.size)
