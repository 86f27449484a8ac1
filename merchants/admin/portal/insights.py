from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.admin.base import actor
from common.models import Look
from common.problems import NotFound
from merchants.admin import insight_words
from merchants.admin.site import site
from merchants.models import Deed, InsightAccess, InsightReport
from merchants.selectors import insights as selector
from merchants.services import insights

from .base import PortalReadOnlyAdmin, may, merchant_of

_PER_PAGE = 50


@admin.register(InsightReport, site=site)
class InsightReportAdmin(PortalReadOnlyAdmin):
    """Who buys here: groups of a quarter for everybody, single members only where they agreed."""

    looks = Deed.INSIGHT
    fields = ["quarter", "least", "at"]

    def get_urls(self):
        return [
            path("members/", self.admin_site.admin_view(self.members_view), name="merchants_insightreport_members"),
            path(
                "members/<str:external_id>/",
                self.admin_site.admin_view(self.member_view),
                name="merchants_insightreport_member",
            ),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        """The groups of one closed quarter, and the stores' sales by category."""
        self._check(request)
        merchant, now = merchant_of(request), timezone.now()
        quarters = selector.quarters(now)
        chosen = next((day for day in quarters if day.isoformat() == request.GET.get("quarter")), quarters[0])
        row = insights.report(merchant, chosen, now)
        return self._page(
            request,
            "merchants/insights.html",
            gettext("Who buys here"),
            quarters=[
                {"key": day.isoformat(), "name": insight_words.quarter_name(day), "chosen": day == chosen}
                for day in quarters
            ],
            least=row.least,
            report=insight_words.report(row),
            sales=insight_words.sales(selector.sales_by_category(merchant, now)),
            members_link=reverse("merchant:merchants_insightreport_members"),
        )

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """A report's own address leads to its quarter."""
        self._check(request)
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return redirect(reverse("merchant:merchants_insightreport_changelist", query={"quarter": row.quarter}))

    def members_view(self, request: HttpRequest) -> HttpResponse:
        """Members who agreed, by name only; what they bought is a click away."""
        self._check(request)
        term = request.GET.get("q", "").strip()
        rows = selector.consenting(merchant_of(request)).order_by("external_id")
        if term:
            rows = rows.filter(Q(external_id=term) | Q(name__icontains=term))
        page = Paginator(rows, _PER_PAGE).get_page(request.GET.get("page"))
        self.note_look(request, Look.Kind.LIST, page="members.member", rows=len(page.object_list))
        return self._page(
            request,
            "merchants/insight_members.html",
            gettext("Members who let you look"),
            page=page,
            term=term,
            members=[
                {
                    "name": member.name or member.external_id,
                    "external_id": member.external_id,
                    "link": reverse("merchant:merchants_insightreport_member", args=[member.external_id]),
                }
                for member in page
            ],
        )

    def member_view(self, request: HttpRequest, external_id: str) -> HttpResponse:
        """What one of them bought; the look is written down."""
        self._check(request)
        try:
            found = insights.look(merchant_of(request), external_id, actor(request), timezone.now())
        except NotFound:
            raise Http404 from None
        self.note_look(request, Look.Kind.PAGE, page="members.member", subject=found.member.external_id)
        return self._page(
            request, "merchants/insight_member.html", str(found.member), insight=insight_words.member(found)
        )

    def _check(self, request: HttpRequest) -> None:
        if not may(request, self.looks):
            raise PermissionDenied

    def _page(self, request: HttpRequest, template: str, title: str, **context) -> HttpResponse:
        request.current_app = self.admin_site.name
        return TemplateResponse(
            request, template, {**self.admin_site.each_context(request), "opts": self.opts, "title": title, **context}
        )


@admin.register(InsightAccess, site=site)
class InsightAccessAdmin(PortalReadOnlyAdmin):
    """Who of your staff looked at whom."""

    looks = Deed.INSIGHT
    empty = _("Nobody has looked at a member yet.")
    list_display = ["at", "staff_label", "member_name", "what"]
    list_display_links = None
    list_select_related = ["member"]
    search_fields = ["staff_label", "=member__external_id"]
    search_help_text = _("Who looked, or a customer number.")
    date_hierarchy = "at"
    fields = ["at", "staff_label", "member_name", "what"]

    @admin.display(description=_("member"))
    def member_name(self, access):
        return access.member.external_id
