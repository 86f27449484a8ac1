from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from common.admin import jobs, words
from common.admin.base import ReadOnlyAdmin
from loyalty.admin.tiers import badge
from rewards.admin import reward_words
from rewards.models import BirthdayPack
from rewards.services import birthdays

jobs.register(birthdays.JOB, _("Birthday packs are given"), birthdays.issue)


@admin.register(BirthdayPack)
class BirthdayPackAdmin(ReadOnlyAdmin):
    """Who had a pack for which birthday, and what was in it."""

    empty = _("No pack yet. Grant a birthday pack to a tier; the night gives it to those whose birthday is near.")
    list_display = [
        "member_link",
        "celebrated_on",
        "tier_badge",
        "points_label",
        "contents",
        "good_until",
        "issued_at",
    ]
    list_display_links = ["celebrated_on"]
    list_filter = ["birthday_year", "tier"]
    list_select_related = ["member", "tier"]
    search_fields = ["=member__external_id"]
    search_help_text = _("A member's external id.")
    date_hierarchy = "issued_at"
    fields = [
        "member_link", "celebrated_on", "birthday_year", "tier_badge", "points_label", "contents", "valid_from",
        "good_until", "issued_at",
    ]  # fmt: skip
    readonly_fields = ["member_link", "tier_badge", "points_label", "good_until"]

    @admin.display(description=_("member"), ordering="member")
    def member_link(self, pack):
        return words.link(pack.member)

    @admin.display(description=_("good until"), ordering="valid_until")
    def good_until(self, pack):
        return reward_words.until(pack.valid_until)

    @admin.display(description=_("tier"), ordering="tier__rank")
    def tier_badge(self, pack):
        return badge(pack.tier) if pack.tier else "–"

    @admin.display(description=_("points"), ordering="points")
    def points_label(self, pack):
        return words.number(pack.points)
