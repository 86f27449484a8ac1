from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from common.admin.base import ReadOnlyAdmin
from members.models import CreditScore


@admin.register(CreditScore)
class CreditScoreAdmin(ReadOnlyAdmin):
    """External credit scores as they were told to us."""

    empty = _("No credit score was sent yet. They come as member.credit_updated events.")
    list_display = ["member", "score", "at"]
    list_select_related = ["member"]
    search_fields = ["=member__external_id", "member__name"]
    search_help_text = _("A member's external id or name.")
    date_hierarchy = "at"
