"""Scores as operators see them: who has how much, by which threshold, and what each band spends."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from common.admin import words
from common.admin.base import AuditedAdmin, ReadOnlyAdmin
from loyalty.models import Score, ScoreRestatement, ScoreSnapshot, ScoreThreshold
from loyalty.selectors import score_bands


class ThresholdFilter(admin.SimpleListFilter):
    title = _("settled score meets")
    parameter_name = "meets"

    def lookups(self, request, model_admin):
        return [(line.code, line.name) for line in ScoreThreshold.objects.all()]

    def queryset(self, request, queryset):
        line = ScoreThreshold.objects.filter(code=self.value()).first() if self.value() else None
        return queryset.filter(settled__gte=line.least) if line else queryset


@admin.register(Score)
class ScoreAdmin(ReadOnlyAdmin):
    """The value score of every member: the settled one first, the daily one beside it."""

    empty = _("No score yet. Put a score policy in force; the night counts by it.")
    list_display = ["who", "settled_score", "daily_score", "settled_month", "counted_on"]
    list_display_links = None
    list_filter = [ThresholdFilter, "settled_month"]
    list_select_related = ["member"]
    search_fields = ["member__external_id", "member__name"]
    search_help_text = _("A member's name or external id.")
    fields = [
        "who", "settled_score", "daily_score", "settled_month", "counted_on", "policy",
        "consumption", "activity", "account", "reputation", "credit",
    ]  # fmt: skip
    readonly_fields = ["who", "settled_score", "daily_score"]
    actions_list = ["bands"]

    @admin.display(description=_("member"), ordering="member__external_id")
    def who(self, score):
        return words.link(score.member)

    @admin.display(description=_("settled"), ordering="settled")
    def settled_score(self, score):
        return words.number(score.settled)

    @admin.display(description=_("daily"), ordering="value")
    def daily_score(self, score):
        return words.number(score.value)

    @action(description=_("Spend by band"), icon="bar_chart", url_path="bands")
    def bands(self, request: HttpRequest) -> HttpResponse:
        """What a member of each band spends, against the base (S1-13)."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = score_bands.bands()
        base = score_bands.base(rows)
        most = max((band.per_head() for band in rows), default=0) or 1
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Spend by score"),
            "rows": [_band(band, base, most) for band in reversed(rows)],
            "base": _band(base, base, most),
            "back": reverse("admin:loyalty_score_changelist"),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "loyalty/score_bands.html", context)


def _band(band: score_bands.Band, base: score_bands.Band, most) -> dict:
    times = band.times(base)
    tenths = (times * 10).__floor__() if times is not None else None
    return {
        "name": band.threshold.name if band.threshold else gettext("Below all thresholds"),
        "from": words.number(band.threshold.least) if band.threshold else "",
        "members": words.number(band.members),
        "per_head": words.money(band.per_head().__floor__()),
        "times": f"{tenths // 10}.{tenths % 10} ×" if tenths is not None else "–",
        "percent": (band.per_head() * 100 / most).__floor__(),
    }


@admin.register(ScoreSnapshot)
class ScoreSnapshotAdmin(ReadOnlyAdmin):
    """Every settlement, as it was."""

    empty = _("No month has been settled yet.")
    list_display = ["who", "month", "score", "policy", "at"]
    list_display_links = ["month"]
    list_filter = ["month"]
    list_select_related = ["member", "policy"]
    search_fields = ["=member__external_id"]
    search_help_text = _("A member's external id.")
    fields = [
        "who", "month", "score", "consumption", "activity", "account", "reputation", "credit",
        "real_name_verified", "phone_verified", "birthday_given", "years", "credit_score", "policy", "at",
    ]  # fmt: skip
    readonly_fields = ["who", "score"]

    @admin.display(description=_("member"))
    def who(self, snapshot):
        return words.link(snapshot.member)

    @admin.display(description=_("score"), ordering="value")
    def score(self, snapshot):
        return words.number(snapshot.value)


@admin.register(ScoreRestatement)
class ScoreRestatementAdmin(ReadOnlyAdmin):
    """News that came after a settlement. The settled score stays; the next settlement counts the news."""

    empty = _("No news has come after a settlement.")
    list_display = ["who", "month", "change", "at"]
    list_display_links = ["month"]
    list_filter = ["month"]
    list_select_related = ["member"]
    search_fields = ["=member__external_id"]
    search_help_text = _("A member's external id.")
    fields = ["who", "month", "settled", "restated", "at"]
    readonly_fields = ["who"]

    @admin.display(description=_("member"))
    def who(self, restatement):
        return words.link(restatement.member)

    @admin.display(description=_("settled → would now be"))
    def change(self, row):
        return f"{words.number(row.settled)} → {words.number(row.restated)}"


@admin.register(ScoreThreshold)
class ScoreThresholdAdmin(AuditedAdmin):
    """Lines with a name, which benefits and rules ask for."""

    empty = _("No threshold yet. Benefits can ask for thresholds as soon as they exist.")
    list_display = ["name", "code", "line", "members"]
    search_fields = ["name", "code"]
    fields = ["name", "code", "value", "is_strict"]
    prepopulated_fields = {"code": ["name"]}

    def get_readonly_fields(self, request, obj=None):
        """Others know a threshold by its code."""
        return ["code"] if obj else []

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else self.prepopulated_fields

    @admin.display(description=_("score"), ordering="value")
    def line(self, threshold):
        text = gettext("above %s") if threshold.is_strict else gettext("%s and more")
        return text % words.number(threshold.value)

    @admin.display(description=_("members"))
    def members(self, threshold):
        found = reverse("admin:loyalty_score_changelist", query={"meets": threshold.code})
        return format_html('<a class="lp-link" href="{}">{}</a>', found, gettext("Show them"))
