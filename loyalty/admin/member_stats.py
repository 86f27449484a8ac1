"""Members in figures: the list behind the pictures, the RFM page and the life-cycle page."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.admin import panels, tags, words
from common.admin.base import ReadOnlyAdmin
from loyalty.admin import lifecycle, portraits
from loyalty.models import MemberStats, Quintiles, Segment
from loyalty.selectors import portraits as portrait_selector
from members.models import Member


class SegmentFilter(admin.SimpleListFilter):
    title = _("segment")
    parameter_name = "segment"

    def lookups(self, request, model_admin):
        return list(Segment.objects.values_list("code", "name"))

    def queryset(self, request, queryset):
        return queryset.filter(member__segments__code=self.value()) if self.value() else queryset


@admin.register(MemberStats)
class MemberStatsAdmin(ReadOnlyAdmin):
    """What the last night found out about each member (domain.md F14, F24)."""

    empty = _("No member was measured yet. The schedule does it at night.")
    list_display = ["member_link", "stage", "rfm_classes", "last_order_on", "orders_12m", "spend", "tier"]
    list_filter = ["lifecycle", "r", "f", "m", "member__standing__tier", SegmentFilter]
    search_fields = ["=member__external_id", "member__name__istartswith"]
    search_help_text = _("The shop's customer number, or the beginning of a name.")
    list_select_related = ["member__standing__tier"]
    fieldsets = [
        (None, {"fields": [("member_link", "measured_at"), ("stage", "lifecycle_since"), ("rfm_classes", "tier")]}),
        (
            _("The five criteria, over 12 months"),
            {
                "fields": [
                    ("spend", "orders_12m", "order_days_12m"),
                    ("lines_12m", "causeless_12m"),
                    ("reviews_12m", "photo_reviews_12m", "login_days_12m"),
                ]
            },
        ),
        (
            _("The whole life"),
            {"fields": [("first_order_on", "last_order_on", "usual_gap"), ("channels", "categories")]},
        ),
    ]
    readonly_fields = ["member_link", "stage", "rfm_classes", "tier", "spend", "usual_gap"]

    def get_urls(self):
        return [
            path("rfm/", self.admin_site.admin_view(self.rfm_view), name="loyalty_memberstats_rfm"),
            path("life-cycle/", self.admin_site.admin_view(self.lifecycle_view), name="loyalty_memberstats_lifecycle"),
            *super().get_urls(),
        ]

    def rfm_view(self, request: HttpRequest) -> HttpResponse:
        """The heat map of all members, and where the classes are cut."""
        portrait = portrait_selector.draw(Member.objects.filter(status=Member.Status.ACTIVE))
        cuts = Quintiles.objects.first()
        context = {
            **portraits.show(portrait, {}),
            "cuts": cuts,
            "rows": _classes(cuts) if cuts and cuts.members else [],
        }
        return self._page(request, gettext("RFM: recency, frequency, money"), "loyalty/rfm.html", context)

    def lifecycle_view(self, request: HttpRequest) -> HttpResponse:
        """How many members stand at which stage, and where they came from."""
        return self._page(request, gettext("Life cycle"), "loyalty/lifecycle.html", lifecycle.fill())

    def _page(self, request: HttpRequest, title: str, template: str, context: dict) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        request.current_app = self.admin_site.name
        shown = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, **context}
        return TemplateResponse(request, template, shown)

    @admin.display(description=_("member"), ordering="member__external_id")
    def member_link(self, row):
        return words.link(row.member)

    @tags.tagged(_("life cycle"), lifecycle.TAGS)
    def stage(self, row):
        return row.lifecycle, row.get_lifecycle_display()

    @admin.display(description=_("RFM"), ordering="rfm")
    def rfm_classes(self, row):
        return row.rfm or "–"

    @admin.display(description=_("spend in 12 months"), ordering="net_cash_12m")
    def spend(self, row):
        return words.money(row.net_cash_12m)

    @admin.display(description=_("tier"), ordering="member__standing__tier")
    def tier(self, row):
        standing = getattr(row.member, "standing", None)
        return (standing and standing.tier) or "–"

    @admin.display(description=_("usual gap between orders"))
    def usual_gap(self, row):
        return usual_gap(row)


def usual_gap(row: MemberStats) -> str:
    """The median gap; 121 half days -> 60.5 days."""
    if not row.median_gap_half_days:
        return "–"
    days, half = divmod(row.median_gap_half_days, 2)
    return gettext("%s days") % f"{days}{'.5' if half else ''}"


def _classes(cuts: Quintiles) -> list[dict]:
    """From where to where each class reaches, the best on top."""
    days = [words.day(day) for day in cuts.days]
    frequencies, moneys = [words.number(cut) for cut in cuts.frequency], [words.money(cut) for cut in cuts.money]
    say_days = (gettext("until %(high)s"), gettext("after %(low)s, until %(high)s"), gettext("after %(low)s"))
    say_more = (
        gettext("up to %(high)s"),
        gettext("more than %(low)s, up to %(high)s"),
        gettext("more than %(low)s"),
    )
    return [
        {
            "number": number,
            "recency": _reach(days, number, say_days),
            "frequency": _reach(frequencies, number, say_more),
            "money": _reach(moneys, number, say_more),
        }
        for number in reversed(portraits.CLASSES)
    ]


def _reach(cuts: list[str], number: int, say: tuple[str, str, str]) -> str:
    """Class 1 reaches up to the first cut, class 5 from beyond the last one."""
    if number == 1:
        return say[0] % {"high": cuts[0]}
    if number > len(cuts):
        return say[2] % {"low": cuts[-1]}
    if cuts[number - 2] == cuts[number - 1]:
        return gettext("nobody: too many are alike")
    return say[1] % {"low": cuts[number - 2], "high": cuts[number - 1]}


def _panel(member: Member, request: HttpRequest) -> dict:
    """Life cycle, RFM in words, and the segments of a member."""
    row = MemberStats.objects.filter(member=member).first()
    return {
        "row": row,
        "stage": tags.tag(row.get_lifecycle_display(), lifecycle.TAGS.get(row.lifecycle, "")) if row else "",
        "before": row.get_lifecycle_before_display() if row else "",
        "since": words.day(row.lifecycle_since) if row else "",
        "gap": usual_gap(row) if row else "",
        "spend": words.money(row.net_cash_12m) if row else "",
        "classes": _said(row) if row and row.r else [],
        "segments": [words.link(segment) for segment in member.segments.all()],
    }


def _said(row: MemberStats) -> list[tuple[str, int, str]]:
    """A class is above so many fifths of all who ever ordered."""
    say = {
        "R": gettext("ordered more recently than at least %d %% of all customers"),
        "F": gettext("ordered on more days than at least %d %% of all customers"),
        "M": gettext("spent more than at least %d %% of all customers"),
    }
    return [
        (letter, number, say[letter] % ((number - 1) * 20) if number > 1 else gettext("among the lowest fifth"))
        for letter, number in (("R", row.r), ("F", row.f), ("M", row.m))
    ]


panels.register_panel(
    Member._meta.label,
    panels.Panel(
        "stats", _("Life cycle, RFM and segments"), "loyalty/panels/stats.html", _panel, "loyalty.view_memberstats", 60
    ),
)
