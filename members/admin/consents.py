from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.admin import panels, tags, words
from common.admin.base import ReadOnlyAdmin
from common.admin.filters import whether
from members.models import Consent, Member
from members.services import recipients

_SHOWN = 50


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    """What members agreed to. Only they give and withdraw; here it is looked at."""

    empty = _("No consent was given yet. Members give them in the shop's app, for one purpose and one merchant.")
    list_display = ["member", "purpose", "recipient", "state", "source", "given_at", "withdrawn_at"]
    list_select_related = ["member"]
    list_filter = ["purpose", whether("withdrawn_at", _("Withdrawn"), _("In force"))]
    search_fields = ["=member__external_id", "=recipient"]
    search_help_text = _("A member's external id, or a merchant's code.")
    date_hierarchy = "given_at"

    @tags.tagged(_("status"), {"stands": tags.GOOD, "withdrawn": tags.WAITING})
    def state(self, consent):
        return ("withdrawn", gettext("Withdrawn")) if consent.withdrawn_at else ("stands", gettext("Stands"))


def _consents(member: Member, request: HttpRequest) -> dict:
    """What the member agreed to, the newest first."""
    rows = list(Consent.objects.filter(member=member)[:_SHOWN])
    named = recipients.of({row.recipient for row in rows if row.recipient})
    return {
        "rows": [
            {
                "consent": row,
                "recipient": named[row.recipient].name if row.recipient in named else row.recipient or gettext("us"),
                "given": words.instant(row.given_at),
                "withdrawn": words.instant(row.withdrawn_at) if row.withdrawn_at else "",
            }
            for row in rows
        ]
    }


panels.register_panel(
    Member._meta.label,
    panels.Panel("consents", _("Consents"), "members/panels/consents.html", _consents, "members.view_consent", 45),
)
