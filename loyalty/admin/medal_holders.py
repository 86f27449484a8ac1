"""Who holds which medal, to be looked at and taken along; and how levels were won and lost."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from import_export import resources
from import_export.fields import Field
from unfold.contrib.filters.admin import RelatedDropdownFilter

from common.admin import tags, words
from common.admin.base import ReadOnlyAdmin
from common.admin.files import ExportAdminMixin
from loyalty.admin import medal_words
from loyalty.models import MedalAward, MedalLevel, MedalStanding


class LevelFilter(admin.SimpleListFilter):
    """By level: by name if a medal is chosen, else by number."""

    title = _("level")
    parameter_name = "level"

    def lookups(self, request, model_admin):
        levels = MedalLevel.objects.order_by("-number")
        medal = request.GET.get("medal__id__exact", "")
        if medal.isdecimal():
            named = [(str(level.number), level.name) for level in levels.filter(medal=medal)]
        else:
            numbers = levels.values_list("number", flat=True).distinct()
            named = [(str(number), gettext("Level %d") % number) for number in numbers]
        return [*named, ("none", _("no level yet"))]

    def queryset(self, request, queryset):
        if self.value() == "none":
            return queryset.filter(level=None)
        return queryset.filter(level__number=self.value()) if (self.value() or "").isdecimal() else queryset


class HolderResource(resources.ModelResource):
    """One line a member and medal; members by the shop's own customer number."""

    member = Field("member__external_id", _("customer number"))
    name = Field("member__name", _("name"))
    medal = Field("medal__code", _("medal"))
    level = Field("level__number", _("level"))
    level_name = Field("level__name", _("name of the level"))
    score = Field("score", _("score"))
    money = Field("money", _("spent (minor units)"))
    orders = Field("orders", _("orders"))
    pieces = Field("pieces", _("reviews or deeds"))
    since = Field("since", _("level since"))

    class Meta:
        model = MedalStanding
        fields = ["member", "name", "medal", "level", "level_name", "score", "money", "orders", "pieces", "since"]


@admin.register(MedalStanding)
class MedalStandingAdmin(ExportAdminMixin, ReadOnlyAdmin):
    """Members and what they have reached of each medal, counted once a month."""

    empty = _("Nobody has a score yet. Medals are counted in the first night of a month.")
    list_display = ["member_link", "medal_badge", "score", "spent", "orders", "pieces", "since", "as_of"]
    list_display_links = None
    list_filter = [("medal", RelatedDropdownFilter), LevelFilter]
    list_select_related = ["member", "medal", "level"]
    search_fields = ["=member__external_id"]
    search_help_text = _("A member's external id.")
    fields = [
        "member_link",
        "medal_badge",
        "score",
        "spent",
        "orders",
        "days",
        "pieces",
        "reached_at",
        "since",
        "as_of",
    ]
    readonly_fields = ["member_link", "medal_badge", "spent"]
    resource_classes = [HolderResource]

    def get_queryset(self, request):
        """Whoever has neither score nor level has only lost what there was."""
        return super().get_queryset(request).exclude(score=0, level=None)

    @admin.display(description=_("member"), ordering="member__external_id")
    def member_link(self, standing):
        return words.link(standing.member)

    @admin.display(description=_("medal"), ordering="level__number")
    def medal_badge(self, standing):
        return medal_words.badge(standing.medal, standing.level)

    @admin.display(description=_("spent"), ordering="money")
    def spent(self, standing):
        return words.money(standing.money) if standing.money else "–"


@admin.register(MedalAward)
class MedalAwardAdmin(ReadOnlyAdmin):
    """Every level that was won or lost."""

    empty = _("No level was won or lost yet.")
    list_display = ["at", "member_link", "medal_name", "change", "score", "as_of"]
    list_filter = [("medal", RelatedDropdownFilter)]
    list_select_related = ["member", "medal", "before", "after"]
    search_fields = ["=member__external_id"]
    search_help_text = _("A member's external id.")
    date_hierarchy = "at"
    fields = ["member_link", "medal_name", "change", "score", "as_of", "at"]
    readonly_fields = ["member_link", "medal_name", "change"]

    @admin.display(description=_("member"))
    def member_link(self, award):
        return words.link(award.member)

    @admin.display(description=_("medal"))
    def medal_name(self, award):
        return medal_words.badge(award.medal)

    @tags.tagged(_("level"), {"rose": tags.GOOD, "fell": tags.BAD})
    def change(self, award):
        before, after = (level.name if level else gettext("none") for level in (award.before, award.after))
        rose = award.before is None or (award.after is not None and award.after.number > award.before.number)
        return ("rose" if rose else "fell"), f"{before} → {after}"
