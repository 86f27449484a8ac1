"""The nine rules of the seed against abuse (domain.md S2-49…57), wherever in the house they live: each floor says its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from members.models import PlanOffer, RiskRefusal, RiskRuleVersion


@dataclass(frozen=True)
class Safeguard:
    """One of the nine: its number, what it says, where it is set (the name of an admin page), what it is set to,

    and how often it acted since an instant; None where nobody counts.
    """

    number: int
    says: Any
    page: str
    state: Callable[[], str]
    acted: Callable[[dt.datetime], int] | None = None


_known: dict[int, Safeguard] = {}


def register(*safeguards: Safeguard) -> None:
    """Called by the admin package of each floor."""
    for safeguard in safeguards:
        _known[safeguard.number] = safeguard


def known() -> list[Safeguard]:
    """In the order of the seed."""
    return [_known[number] for number in sorted(_known)]


def _least_credit() -> str:
    offers = PlanOffer.objects.filter(status=PlanOffer.Status.ACTIVE)
    asked = [offer.least_credit for offer in offers if offer.least_credit is not None]
    if not offers:
        return gettext("No plan is on sale.")
    if not asked:
        return gettext("No offer on sale asks for a score.")
    return gettext("%(some)d of %(all)d offers on sale ask for a score.") % {"some": len(asked), "all": len(offers)}


def _rules() -> str:
    modes = RiskRuleVersion.objects.order_by().values_list("mode").annotate(total=Count("pk"))
    found = dict(modes)
    numbers = {"active": found.get("active", 0), "shadow": found.get("shadow", 0), "draft": found.get("draft", 0)}
    return gettext("%(active)d in force, %(shadow)d in shadow, %(draft)d drafts.") % numbers


register(
    Safeguard(2, _("Plans ask for a credit score."), "members_planoffer_changelist", _least_credit),
    Safeguard(
        9,
        _("Every further hole is filled when it is found."),
        "members_riskrule_changelist",
        _rules,
        lambda since: RiskRefusal.objects.filter(at__gt=since, is_shadow=False).count(),
    ),
)
