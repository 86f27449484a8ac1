"""What this floor adds to a member's page: what the member is entitled to, and what the app recommends."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.admin import panels, words
from loyalty.selectors.members import with_wallets
from members.models import Member
from rewards.admin import benefit_words, reward_words
from rewards.selectors import entitlements, recommendations
from rewards.selectors.entitlements import Entitlement

_RECOMMENDED = 10


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


def _recommendations(member: Member, request: HttpRequest) -> dict[str, Any]:
    """What the member is shown first, and why."""
    if member.status != Member.Status.ACTIVE:
        return {"rows": []}
    found = recommendations.of(with_wallets().get(pk=member.pk), timezone.now(), limit=_RECOMMENDED)
    return {"personalised": found.personalised, "rows": [_recommended(one) for one in found.found]}


def _recommended(one: recommendations.Recommendation) -> dict[str, Any]:
    because = [reason.words for reason in one.because]
    if one.offer is not None:
        price = reward_words.price(one.offer.price.points, one.offer.price.cash)
        return {"what": reward_words.badge(one.offer.reward), "price": price, "because": because}
    assert one.entitlement is not None
    return {"what": benefit_words.badge(one.entitlement.benefit), "price": gettext("a benefit"), "because": because}


panels.register_panel(
    Member._meta.label,
    panels.Panel("benefits", _("Benefits"), "rewards/panels/benefits.html", _benefits, "rewards.view_benefituse", 6),
)
panels.register_panel(
    Member._meta.label,
    panels.Panel(
        "recommendations",
        _("Recommended"),
        "rewards/panels/recommendations.html",
        _recommendations,
        "rewards.view_redemption",
        21,
    ),
)
