"""What this floor adds to a member's page: what the member is entitled to."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.admin import panels, words
from members.models import Member
from rewards.admin import benefit_words
from rewards.selectors import entitlements
from rewards.selectors.entitlements import Entitlement


def _benefits(member: Member, request: HttpRequest) -> dict[str, Any]:
    """Every entitlement with its source and what is left of it."""
    return {
        "rows": [_row(found) for found in entitlements.of(member, timezone.now())],
        "may_give": request.user.has_perm("rewards.give_membergrant") and member.status == Member.Status.ACTIVE,
    }


def _row(found: Entitlement) -> dict[str, Any]:
    window = found.window
    return {
        "benefit": words.link(found.benefit, benefit_words.badge(found.benefit)),
        "saves": found.benefit.get_saves_display(),
        "value": benefit_words.value(found.benefit, found.value),
        "source": found.source,
        "percent": found.used * 100 // found.quota if found.quota else 0,
        "left": gettext("%(left)s of %(quota)s left") % {
            "left": words.number(found.left), "quota": words.number(found.quota),
        } if window else gettext("as often as they like"),
        "limited": window is not None,
        "resets": words.day(window.resets_on) if window and window.resets_on else "",
        "until": words.day(found.until) if found.until else "",
    }  # fmt: skip


panels.register_panel(
    Member._meta.label,
    panels.Panel("benefits", _("Benefits"), "rewards/panels/benefits.html", _benefits, "rewards.view_benefituse", 6),
)
