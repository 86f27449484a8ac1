from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter

from common.admin import words
from common.admin.base import ReadOnlyAdmin
from loyalty.admin import holders
from loyalty.admin.accounts import HolderMixin
from loyalty.models import Shortfall


@admin.register(Shortfall)
class ShortfallAdmin(HolderMixin, ReadOnlyAdmin):
    """Points that a rule would have given and did not, with the reason: nothing is capped silently."""

    empty = _("No earning was capped or refused.")
    list_display = ["at", "holder", "rule", "given", "reason", "because"]
    list_filter = ["reason", ("at", RangeDateTimeFilter)]
    list_select_related = [*holders.ACCOUNT, "rule_version__rule"]
    fields = ["holder", "rule", "given", "reason", "because", "at"]
    readonly_fields = ["holder", "rule", "given", "because"]

    @admin.display(description=_("rule"))
    def rule(self, shortfall):
        return words.link(shortfall.rule_version)

    @admin.display(description=_("given of computed"))
    def given(self, shortfall):
        return f"{words.number(shortfall.granted)} / {words.number(shortfall.computed)}"
