from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from common.admin import tags, words
from common.admin.base import ReadOnlyAdmin, ReadOnlyInline
from merchants.admin import rebate_words
from merchants.models import Rebate, RebateScheme, RebateStep


class RebateStepInline(ReadOnlyInline):
    model = RebateStep
    fields = ["from_label", "percent"]
    readonly_fields = ["from_label"]

    @admin.display(description=_("from spend"))
    def from_label(self, step):
        return words.money(step.from_spend)


@admin.register(RebateScheme)
class RebateSchemeAdmin(ReadOnlyAdmin):
    """What merchants promise business members for their spend."""

    empty = _("No merchant has a rebate scheme yet.")
    list_display = ["name", "merchant", "period", "status_label", "starts_on", "ends_on", "settled_until"]
    list_filter = ["status", "period"]
    list_select_related = ["merchant"]
    search_fields = ["name", "merchant__name", "=merchant__code"]
    search_help_text = _("A name, or a merchant's name or code.")
    fields = ["merchant", "name", "period", "status_label", "starts_on", "ends_on", "settled_until"]
    readonly_fields = ["status_label"]
    inlines = [RebateStepInline]

    @tags.tagged(_("status"), rebate_words.SCHEMES)
    def status_label(self, scheme):
        return scheme.status, scheme.get_status_display()


@admin.register(Rebate)
class RebateAdmin(ReadOnlyAdmin):
    """Rebates of all merchants: settled, paid from their purses, or open with the reason."""

    empty = _("No rebate yet. They are settled in the night after a period.")
    list_display = [
        "member",
        "scheme",
        "starts_on",
        "spend_label",
        "percent",
        "correction",
        "points",
        "status_label",
        "why",
    ]
    list_filter = ["status", "reason"]
    list_select_related = ["member", "scheme"]
    search_fields = ["=member__external_id", "member__name", "scheme__merchant__name"]
    search_help_text = _("A member's external id or name, or a merchant.")
    fields = [
        "member_link", "scheme_link", "starts_on", "ends_on", "spend_label", "percent", "earned", "correction", "points",
        "status_label", "why", "settled_at", "paid_at",
    ]  # fmt: skip
    readonly_fields = ["member_link", "scheme_link", "spend_label", "status_label", "why"]

    @admin.display(description=_("member"))
    def member_link(self, rebate):
        return words.link(rebate.member)

    @admin.display(description=_("rebate scheme"))
    def scheme_link(self, rebate):
        return words.link(rebate.scheme)

    @admin.display(description=_("net spend"), ordering="spend")
    def spend_label(self, rebate):
        return words.money(rebate.spend)

    @tags.tagged(_("status"), rebate_words.REBATES)
    def status_label(self, rebate):
        return rebate.status, rebate.get_status_display()

    @admin.display(description=_("open because"))
    def why(self, rebate):
        return rebate.get_reason_display() or "–"
