from axes.models import AccessAttempt
from axes.utils import reset
from django.contrib import admin, messages
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.services import audit

from .base import ReadOnlyAdmin, actor


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin):
    """Failed sign-ins. A name is locked out for a while after too many; a superuser may let it in again."""

    empty = _("Nobody mistyped a password lately.")
    list_display = ["attempt_time", "username", "ip_address", "path_info", "failures_since_start"]
    search_fields = ["username", "=ip_address"]
    search_help_text = _("A user name or an address.")
    date_hierarchy = "attempt_time"
    fields = ["attempt_time", "username", "ip_address", "path_info", "user_agent", "failures_since_start"]
    actions = ["unlock"]

    def has_unlock_permission(self, request) -> bool:
        return request.user.is_superuser

    @admin.action(description=_("Let these names in again"), permissions=["unlock"])
    def unlock(self, request, queryset):
        """Forget the failed attempts of these names, so that they are not locked out."""
        names = sorted({attempt.username for attempt in queryset if attempt.username})
        for name in names:
            reset(username=name)
        summary = gettext("Let in again: %s") % ", ".join(names)
        audit.record(actor(request), "common.sign_ins.unlock", None, summary, timezone.now())
        messages.success(request, summary)
