"""Members' standings, their growth and the history of their tiers: looked at here, written by services."""

from __future__ import annotations

import datetime as dt

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from common.admin import tags, words
from common.admin.base import ReadOnlyAdmin
from loyalty.admin import amounts, by_hand, holders, next_review
from loyalty.admin.amounts import factor
from loyalty.admin.tier_decisions import TierDecisionFiles
from loyalty.admin.tiers import badge
from loyalty.models import GrowthEntry, Standing, TierChange

REASONS = {
    TierChange.Reason.GROWTH: tags.GOOD,
    TierChange.Reason.OVERRIDE: tags.WAITING,
    TierChange.Reason.REFUND: tags.BAD,
    TierChange.Reason.LADDER: tags.NEWS,
}


def situation(standing: Standing, now: dt.datetime) -> SafeString | str:
    """What is out of the ordinary, in coloured words."""
    said = []
    if standing.override_until and standing.override_until > now:
        said.append(
            (tags.WAITING, gettext("set by hand until %s") % words.day(words.last_day(standing.override_until)))
        )
    if standing.in_grace:
        said.append((tags.BAD, gettext("in grace")))
    if standing.provisional_until and standing.provisional_until > now:
        said.append((tags.NEWS, gettext("provisional until %s") % words.day(standing.provisional_until)))
    if standing.due_at and standing.due_at <= now:
        said.append((tags.WAITING, gettext("due")))
    return format_html_join(" ", "{}", ((tags.tag(text, colour),) for colour, text in said)) or "–"


class SituationFilter(admin.SimpleListFilter):
    """What is about to happen to a member, or is out of the ordinary."""

    title = _("situation")
    parameter_name = "situation"

    def lookups(self, request, model_admin):
        return [
            ("due", _("review is due")),
            ("soon", _("review within 30 days")),
            ("grace", _("in grace")),
            ("provisional", _("upgrade is provisional")),
            ("by_hand", _("set by hand")),
        ]

    def queryset(self, request, queryset):
        now = timezone.now()
        found = {
            "due": Q(due_at__lte=now),
            "soon": Q(tier_until__gt=now, tier_until__lte=now + dt.timedelta(days=30)),
            "grace": Q(in_grace=True),
            "provisional": Q(provisional_until__gt=now),
            "by_hand": Q(override_until__gt=now),
        }.get(self.value())
        return queryset if found is None else queryset.filter(found)


@admin.register(Standing)
class StandingAdmin(ReadOnlyAdmin):
    """Where every member stands."""

    empty = _("No member has a standing yet. It is made with the first event of a member.")
    list_display = ["member_link", "tier_badge", "whole", "coefficient", "tier_since", "review", "situation"]
    list_display_links = None
    list_filter = ["tier", SituationFilter]
    list_select_related = ["member", "tier"]
    search_fields = ["=member__external_id"]
    search_help_text = _("A member's external id.")
    ordering = ["-growth"]
    fields = [
        "member_link", "tier_badge", "exact", "coefficient", "situation", "tier_since", "review", "override_until",
        "provisional_until", "provisional_tier", "ordered_at", "grown_at", "ladder",
    ]  # fmt: skip
    readonly_fields = ["member_link", "tier_badge", "whole", "exact", "coefficient", "review", "situation"]
    actions_list = ["next_review"]
    actions_detail = ["set_tier", "lift"]

    @action(description=_("Next review"), icon="event_upcoming", url_path="next-review", permissions=["view"])
    def next_review(self, request: HttpRequest) -> HttpResponse:
        """Who is due, and what will happen to each."""
        return next_review.page(self, request)

    def has_override_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("loyalty.override_standing")

    def has_lift_permission(self, request: HttpRequest, object_id=None) -> bool:
        """There is something to end only where a tier was set by hand."""
        set_by_hand = Standing.objects.filter(pk=object_id, override_until__isnull=False)
        return self.has_override_permission(request) and set_by_hand.exists()

    @action(description=_("Set tier by hand"), icon="back_hand", permissions=["override"])
    def set_tier(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for tier, end and reason, then let the service do it."""
        return by_hand.set_tier(self, request, get_object_or_404(Standing, pk=object_id))

    @action(description=_("End the tier set by hand"), icon="undo", permissions=["lift"])
    def lift(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for the reason, then let growth decide again."""
        return by_hand.lift(self, request, get_object_or_404(Standing, pk=object_id))

    @admin.display(description=_("member"), ordering="member__external_id")
    def member_link(self, standing):
        return words.link(standing.member)

    @admin.display(description=_("tier"), ordering="tier__rank")
    def tier_badge(self, standing):
        return badge(standing.tier)

    @admin.display(description=_("growth"), ordering="growth")
    def whole(self, standing):
        return words.number(standing.whole_growth)

    @admin.display(description=_("growth"))
    def exact(self, standing):
        return amounts.growth(standing.growth)

    @admin.display(description=_("coefficient"), ordering="coefficient_percent")
    def coefficient(self, standing):
        return factor(standing.coefficient_percent)

    @admin.display(description=_("next review"), ordering="tier_until")
    def review(self, standing):
        return words.day(standing.tier_until) if standing.tier_until else gettext("never")

    @admin.display(description=_("situation"))
    def situation(self, standing):
        return situation(standing, timezone.now())


@admin.register(TierChange)
class TierChangeAdmin(TierDecisionFiles, ReadOnlyAdmin):
    """Every change of a tier: when, from where to where, and why."""

    empty = _("No tier has changed yet. Members rise when a ladder is in force and their growth reaches a threshold.")
    list_display = [
        "at",
        "member_link",
        "before_badge",
        "after_badge",
        "reason_label",
        "with_growth",
        "until",
        "decided",
    ]
    list_display_links = ["at"]
    list_filter = ["reason", "after", "is_provisional"]
    list_select_related = ["member", "before", "after", "decided_by"]
    search_fields = ["=member__external_id", "=reference"]
    search_help_text = _("A member's external id, or what the change was because of, exactly.")
    date_hierarchy = "at"
    fields = [
        "at", "member_link", "before_badge", "after_badge", "reason_label", "because", "with_growth", "until",
        "is_provisional", "ladder", "note", "decided",
    ]  # fmt: skip
    readonly_fields = [
        "member_link", "before_badge", "after_badge", "reason_label", "because", "with_growth", "decided",
    ]  # fmt: skip

    @admin.display(description=_("member"))
    def member_link(self, row):
        return words.link(row.member)

    @admin.display(description=_("from"))
    def before_badge(self, row):
        return badge(row.before)

    @admin.display(description=_("to"))
    def after_badge(self, row):
        return badge(row.after)

    @tags.tagged(_("reason"), REASONS)
    def reason_label(self, row):
        return row.reason, row.get_reason_display()

    @admin.display(description=_("because of"))
    def because(self, row):
        return holders.reference(row.reference) if row.reference else "–"

    @admin.display(description=_("growth"))
    def with_growth(self, row):
        return amounts.growth(row.growth)

    @admin.display(description=_("decided by"))
    def decided(self, row):
        return row.decided_by or gettext("the ladder")


@admin.register(GrowthEntry)
class GrowthEntryAdmin(ReadOnlyAdmin):
    """Every movement of growth, exactly."""

    empty = _("Nobody has grown yet. Members grow when a growth policy is in force.")
    list_display = ["at", "member_link", "kind", "criterion", "sum", "moved", "after", "because"]
    list_display_links = ["at"]
    list_filter = ["kind", "criterion"]
    list_select_related = ["member"]
    search_fields = ["=member__external_id", "=reference"]
    search_help_text = _("A member's external id, or what the growth was because of, exactly.")
    date_hierarchy = "occurred_on"
    fields = [
        "at", "occurred_on", "member_link", "kind", "criterion", "sum", "due", "moved", "after", "because", "order_link",
        "review_link", "policy", "ladder",
    ]  # fmt: skip
    readonly_fields = ["member_link", "sum", "due", "moved", "after", "because", "order_link", "review_link"]

    @admin.display(description=_("member"))
    def member_link(self, entry):
        return words.link(entry.member)

    @admin.display(description=_("reckoning"))
    def sum(self, entry):
        return f"{words.number(entry.base)} × {factor(entry.percent)}" if entry.base else "–"

    @admin.display(description=_("growth due"))
    def due(self, entry):
        return amounts.change(entry.asked)

    @admin.display(description=_("change"), ordering="delta")
    def moved(self, entry):
        return amounts.change(entry.delta)

    @admin.display(description=_("growth after"))
    def after(self, entry):
        return amounts.growth(entry.balance_after)

    @admin.display(description=_("because of"))
    def because(self, entry):
        return holders.reference(entry.reference)

    @admin.display(description=_("order"))
    def order_link(self, entry):
        return words.link(entry.order)

    @admin.display(description=_("review"))
    def review_link(self, entry):
        return words.link(entry.review)
