from django.contrib import admin
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from import_export import resources
from import_export.fields import Field

from common.admin.files import ExportAdminMixin
from merchants.admin.card_pages import CardPages, EntryRows, EventRows
from merchants.admin.site import site
from merchants.models import Card
from merchants.selectors import cards

from .base import PortalReadOnlyAdmin, PortalReadOnlyInline, may


class CardResource(resources.ModelResource):
    """What a merchant may take along of its members: the card's own figures, and the name."""

    membership = Field("club__name", _("membership"))
    name = Field(column_name=_("name"))
    store = Field("store__code", _("opened at"))

    class Meta:
        model = Card
        name = _("cards")
        fields = (
            "uuid", "membership", "name", "status", "level", "points", "spent", "orders", "channel", "store",
            "external_card", "joined_at", "left_at", "last_order_at",
        )  # fmt: skip
        export_order = fields

    def dehydrate_name(self, card):
        return cards.known_name(card)


class EntryInline(EntryRows, PortalReadOnlyInline):
    pass


class EventInline(EventRows, PortalReadOnlyInline):
    pass


@admin.register(Card, site=site)
class CardAdmin(ExportAdminMixin, CardPages, PortalReadOnlyAdmin):
    """The members of the own memberships, by what their cards say."""

    tenant = "club__merchant"
    resource_classes = [CardResource]
    list_display = [*CardPages.list_display[:1], "club", *CardPages.list_display[1:]]
    list_select_related = ["member", "club", "store"]
    list_filter = ["status", "level", "club", "store", "channel"]
    search_fields = ["member__name__istartswith", "=external_card"]
    search_help_text = _("The beginning of a member's name, or a card of the brand.")
    fields = ["member_name", *CardPages.fields]
    readonly_fields = ["member_name", *CardPages.readonly_fields]
    inlines = [EventInline, EntryInline]

    def get_search_results(self, request, queryset, search_term):
        """Who has left is not found by name any more."""
        found, distinct = super().get_search_results(request, queryset, search_term)
        return (found.filter(cards.KNOWN | Q(external_card=search_term)) if search_term else found), distinct

    def has_export_permission(self, request):
        return may(request, self.looks)
