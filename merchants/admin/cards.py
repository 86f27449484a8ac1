from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common.admin import panels, words
from common.admin.base import ReadOnlyAdmin, ReadOnlyInline
from members.models import Member
from merchants.models import Card

from .card_pages import CardPages, EntryRows, EventRows, level_names


class EntryInline(EntryRows, ReadOnlyInline):
    pass


class EventInline(EventRows, ReadOnlyInline):
    pass


@admin.register(Card)
class CardAdmin(CardPages, ReadOnlyAdmin):
    """Members' cards in all memberships."""

    list_display = ["member_link", "club", *CardPages.list_display[1:]]
    list_select_related = ["member", "club__merchant", "store"]
    list_filter = ["status", "level", "club__merchant"]
    search_fields = ["=member__external_id", "member__name__istartswith", "=external_card"]
    search_help_text = _("A member's external id, the beginning of a name, or a card of the brand.")
    inlines = [EventInline, EntryInline]

    @admin.display(description=_("member"))
    def member_link(self, card):
        return words.link(card.member)


def _memberships(member: Member, request: HttpRequest) -> dict:
    """Every card of the member, open ones first."""
    rows = list(
        Card.objects.filter(member=member).select_related("club__merchant", "store").order_by("status", "-joined_at")
    )
    names = level_names({card.club_id for card in rows})
    return {
        "rows": [
            {
                "card": words.link(card, card.club.name),
                "merchant": card.club.merchant,
                "level": names.get((card.club_id, card.level), card.level),
                "points": f"{words.number(card.points)} {card.club.unit_name}",
                "spent": words.money(card.spent),
                "channel": card.channel or "–",
                "joined": words.day(card.joined_at),
                "left": words.day(card.left_at) if card.left_at else "",
            }
            for card in rows
        ]
    }


panels.register_panel(
    Member._meta.label,
    panels.Panel(
        "memberships", _("Memberships of merchants"), "merchants/panels/memberships.html", _memberships,
        "merchants.view_card", 40,
    ),
)  # fmt: skip
