"""What the pages of cards share on both sites."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common import clock
from common.admin import tags, words
from merchants.models import CardEntry, CardEvent, Level
from merchants.selectors import cards, levels

COLOURS = {"active": tags.GOOD, "left": tags.WAITING}
UNIT_IS_MONEY = CardEntry.Unit.SPENT


def level_names(club_ids: Collection[int]) -> dict[tuple[int, int], str]:
    """What levels are called today, by club and number; two queries."""
    rules = cards.rules(club_ids, timezone.now())
    return {
        (club_id, level.number): f"{level.number} {level.name}"
        for club_id, own in rules.items()
        for level in own.levels
    }


class EventRows:
    """What happened to the card; mix it in before the site's read-only inline."""

    model = CardEvent
    fields = ["at", "kind", "channel", "store", "before", "after"]
    ordering = ["-at", "-id"]


class EntryRows:
    """Every movement on the card."""

    model = CardEntry
    fields = ["at", "seq", "unit", "kind", "change", "after", "reference"]
    readonly_fields = ["change", "after"]
    ordering = ["-seq"]

    @admin.display(description=_("change"))
    def change(self, entry):
        if entry.unit == UNIT_IS_MONEY:
            return f"+{words.money(entry.delta)}" if entry.delta > 0 else words.money(entry.delta)
        return words.signed(entry.delta)

    @admin.display(description=_("balance after"))
    def after(self, entry):
        return words.money(entry.balance_after) if entry.unit == UNIT_IS_MONEY else words.number(entry.balance_after)


class CardPages:
    """Mix it in before the site's read-only base."""

    empty = _("No card yet. Members open one when they join a membership.")
    list_display = [
        "member_name",
        "state",
        "level_name",
        "card_points",
        "spent_money",
        "orders",
        "channel",
        "joined_at",
    ]
    date_hierarchy = "joined_at"
    fields = [
        "club",
        ("state", "level_name"),
        ("card_points", "spent_money", "orders"),
        ("joined_at", "left_at", "last_order_at"),
        ("channel", "store", "external_card"),
    ]
    readonly_fields = ["state", "level_name", "card_points", "spent_money"]

    @tags.tagged(_("status"), COLOURS)
    def state(self, card):
        return card.status, card.get_status_display()

    @admin.display(description=_("level"), ordering="level")
    def level_name(self, card):
        """Number and name."""
        return f"{card.level} {card.level_called or ''}".strip()

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(level_called=_level_called())

    @admin.display(description=_("points of the card"), ordering="points")
    def card_points(self, card):
        return f"{words.number(card.points)} {card.club.unit_name}"

    @admin.display(description=_("spent"), ordering="spent")
    def spent_money(self, card):
        return words.money(card.spent)

    @admin.display(description=_("member"))
    def member_name(self, card):
        return cards.known_name(card) or "–"


def _level_called() -> Subquery:
    """What the card's level is called today."""
    scheme = levels.scheme_in_force(OuterRef(OuterRef("club")), clock.local_date(timezone.now())).values("pk")
    found = Level.objects.filter(scheme=Subquery(scheme), number=OuterRef("level"))
    return Subquery(found.values("name")[:1])
