"""Uses of benefits, and what merchants settle for them month by month (domain.md S1-04)."""

from __future__ import annotations

import csv

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from import_export import resources
from import_export.fields import Field

from common import clock
from common.admin import tags, words
from common.admin.base import ReadOnlyAdmin, actor
from common.admin.files import ExportAdminMixin
from common.services import audit
from merchants.admin import purse_words
from rewards.admin import benefit_words
from rewards.models import BenefitUse
from rewards.selectors import benefit_settlements
from rewards.selectors.benefit_settlements import Settlement

MONTHS = 12


class UseResource(resources.ModelResource):
    """Uses as a file."""

    benefit = Field("benefit__code", "benefit")
    member = Field("member__external_id", "member")
    issuer = Field("issuer__code", "issuer")
    user = Field("user__code", "used_at")

    class Meta:
        model = BenefitUse
        name = _("uses of benefits")
        fields = (
            "uuid", "at", "member", "benefit", "issuer", "user", "store_code", "channel", "order_code", "price", "cost",
            "given_back_at",
        )  # fmt: skip


@admin.register(BenefitUse)
class BenefitUseAdmin(ExportAdminMixin, ReadOnlyAdmin):
    """Who used what, where, and by what right."""

    empty = _("Nobody has used a benefit yet. The shop reports uses through the API.")
    resource_classes = [UseResource]
    list_display = ["at", "looks", "member_link", "source", "where", "order_code", "price_label", "state_label"]
    list_display_links = ["at"]
    list_filter = ["benefit", "channel", "tier", "issuer", "user"]
    list_select_related = ["benefit", "member", "issuer", "user", "tier"]
    search_fields = ["=member__external_id", "=order_code", "=key", "=uuid"]
    search_help_text = _("A member's external id, an order, or a key.")
    date_hierarchy = "used_on"
    # Shops report late: by the day of the use, not by the day of the report.
    ordering = ["-used_on", "-id"]
    fields = [
        "looks", "member_link", "source", "parameter", "tier", "where", "channel", "order_code", "key", "issuer_label",
        "price_label", "cost_label", "at", "state_label",
    ]  # fmt: skip
    readonly_fields = [
        "looks", "member_link", "parameter", "where", "issuer_label", "price_label", "cost_label", "state_label",
    ]  # fmt: skip

    def get_urls(self):
        view = self.admin_site.admin_view(self.settlement_view)
        return [path("settlement/", view, name="rewards_benefituse_settlement"), *super().get_urls()]

    @admin.display(description=_("benefit"), ordering="benefit")
    def looks(self, use):
        return benefit_words.badge(use.benefit)

    @admin.display(description=_("member"), ordering="member")
    def member_link(self, use):
        return words.link(use.member)

    @admin.display(description=_("parameter"))
    def parameter(self, use):
        return benefit_words.value(use.benefit, use.value) or "–"

    @admin.display(description=_("used at"), ordering="user")
    def where(self, use):
        return f"{benefit_words.party(use.user)} ({use.store_code})" if use.store_code else gettext("The platform")

    @admin.display(description=_("issued by"), ordering="issuer")
    def issuer_label(self, use):
        return benefit_words.party(use.issuer)

    @admin.display(description=_("settlement price"), ordering="price")
    def price_label(self, use):
        return words.money(use.price)

    @admin.display(description=_("cost"), ordering="cost")
    def cost_label(self, use):
        return words.money(use.cost)

    @tags.tagged(_("state"), {"used": tags.GOOD, "back": tags.WAITING})
    def state_label(self, use):
        if use.given_back_at:
            return "back", gettext("Given back on %s") % words.day(use.given_back_on)
        return "used", gettext("Used")

    # Settlement ---------------------------------------------------------------------------------------------

    def settlement_view(self, request: HttpRequest) -> HttpResponse:
        """Issuer × user of one month, netting to zero; `?format=csv` takes it along."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        this_month = clock.month_start(clock.local_date(now))
        months = [clock.months_after(this_month, -back) for back in range(MONTHS)]
        month = purse_words.month_of(request, this_month)
        found = benefit_settlements.of(month)
        if request.GET.get("format") == "csv":
            summary = gettext("Exported: settlement of benefits, %s") % f"{month:%Y-%m}"
            audit.record(actor(request), "rewards.benefituse.settlement", None, summary, now)
            return _file(found)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Settlement of benefits"),
            "months": [(f"{first:%Y-%m}", date_format(first, "YEAR_MONTH_FORMAT"), first == month) for first in months],
            "month": f"{month:%Y-%m}",
            "is_over": month < this_month,
            "rows": [
                {
                    "issuer": benefit_words.party(cell.issuer),
                    "user": benefit_words.party(cell.user),
                    "uses": words.number(cell.uses),
                    "amount": words.money(cell.amount),
                }
                for cell in found.cells
            ],
            "nets": [
                {
                    "party": benefit_words.party(party),
                    "amount": words.money(amount),
                    "gets": amount > 0,
                    "pays": amount < 0,
                }
                for party, amount in found.nets
            ],
            "sum": words.money(sum(amount for _party, amount in found.nets)),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "rewards/benefit_settlement.html", context)


def _file(found: Settlement) -> HttpResponse:
    """The matrix as CSV: codes of merchants, amounts in minor units."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="benefits-{found.month:%Y-%m}.csv"'
    writer = csv.writer(answer)
    writer.writerow(["issuer", "used_at", "uses", "amount"])
    for cell in found.cells:
        codes = [party.code if party else "" for party in (cell.issuer, cell.user)]
        writer.writerow([*codes, cell.uses, cell.amount])
    return answer
