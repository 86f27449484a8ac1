"""Who of the staff looked at a member, on the member's own page."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.admin import panels, words
from common.admin.looks import page_name
from common.models import Look
from members.models import Member

_SHOWN = 20


def _looks(member: Member, request: HttpRequest) -> dict:
    """The newest looks at pages about the member."""
    return {
        "rows": [
            {
                "at": words.instant(look.at),
                "who": look.staff_label,
                "behalf": look.behalf or gettext("The programme"),
                "what": look.get_kind_display(),
                "page": page_name(look.page),
            }
            for look in Look.objects.filter(subject=member.external_id)[:_SHOWN]
        ]
    }


panels.register_panel(
    Member._meta.label,
    panels.Panel("looks", _("Who looked"), "members/panels/looks.html", _looks, "common.view_look", 200),
)
