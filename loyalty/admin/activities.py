from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from common.admin import words
from common.admin.base import ReadOnlyAdmin
from loyalty.models import Activity, DeliveryRefusal


@admin.register(Activity)
class ActivityAdmin(ReadOnlyAdmin):
    """Days on which members logged in, checked in or shared; each kind counts once a day."""

    empty = _("No log-in, check-in or sharing was told yet.")
    list_display = ["at", "member_link", "kind", "day", "streak", "channel"]
    list_filter = ["kind", "channel"]
    list_select_related = ["member"]
    search_fields = ["=member__external_id"]
    search_help_text = _("A member's external id.")
    date_hierarchy = "day"
    fields = ["member_link", "kind", "day", "streak", "channel", "at"]
    readonly_fields = ["member_link"]

    @admin.display(description=_("member"))
    def member_link(self, activity):
        return words.link(activity.member)


@admin.register(DeliveryRefusal)
class DeliveryRefusalAdmin(ReadOnlyAdmin):
    """Deliveries that members refused to take."""

    empty = _("Nobody refused a delivery.")
    list_display = ["at", "member_link", "order_link", "day"]
    list_select_related = ["member", "order"]
    search_fields = ["=member__external_id", "=order__code"]
    search_help_text = _("A member's external id or an order.")
    date_hierarchy = "day"
    fields = ["member_link", "order_link", "day", "at"]
    readonly_fields = ["member_link", "order_link"]

    @admin.display(description=_("member"))
    def member_link(self, refusal):
        return words.link(refusal.member)

    @admin.display(description=_("order"))
    def order_link(self, refusal):
        return words.link(refusal.order)
