from django.contrib import admin
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.admin import tags, words
from common.admin.base import AuditedAdmin, ReadOnlyAdmin
from common.admin.panels import PanelsMixin
from members.models import Plan, Subscription


@admin.register(Plan)
class PlanAdmin(PanelsMixin, AuditedAdmin):
    """Paid memberships, PLUS for example; what they cost is said by their offers."""

    empty = _("No paid plan yet. Rules can ask for one as soon as it exists; offers sell it.")
    list_display = ["name", "code", "members_now"]
    search_fields = ["name", "code"]
    search_help_text = _("A name or a code.")
    fields = ["name", "code"]
    prepopulated_fields = {"code": ["name"]}

    def get_readonly_fields(self, request, obj=None):
        """Rules ask for a plan by its code."""
        return ["code"] if obj else []

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else self.prepopulated_fields

    def get_queryset(self, request):
        now = timezone.now()
        running = Q(subscriptions__starts_at__lte=now, subscriptions__ends_at__gt=now)
        return super().get_queryset(request).annotate(running=Count("subscriptions", filter=running))

    @admin.display(description=_("members now"), ordering="running")
    def members_now(self, plan):
        return words.number(plan.running)


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """Members' terms of paid plans: bought, tried, redeemed."""

    empty = _("Nobody has a paid plan yet.")
    list_display = ["member", "plan", "starts_at", "ends_at", "state"]
    list_select_related = ["member", "plan"]
    list_filter = ["plan"]
    search_fields = ["=member__external_id", "member__name"]
    search_help_text = _("A member's external id or name.")
    date_hierarchy = "starts_at"

    @tags.tagged(_("state"), {"running": tags.GOOD, "over": tags.WAITING, "ahead": tags.NEWS})
    def state(self, subscription):
        now = timezone.now()
        if subscription.ends_at <= now:
            return "over", gettext("Over")
        return ("ahead", gettext("Ahead")) if subscription.starts_at > now else ("running", gettext("Running"))
