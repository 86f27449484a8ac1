"""What this floor tells the risk rules of its events, and what it does when they ask for a look (members/services/risk_*)."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

from django.utils.translation import gettext

from common.services.audit import Actor
from common.services.inbox import Event
from loyalty.models import Lot
from loyalty.selectors import conduct
from loyalty.services import quarantines
from members.models import Member
from members.models.risk_words import Action
from members.services import identities, members
from members.services.risk_events import Guarded

PATIENCE = dt.timedelta(minutes=2)


class PointsNotThereYet(Exception):
    """The action was let through just now and may not have earned yet; the outbox tries again."""


def _returned(event: Event) -> str:
    """What a refund is to risk: what the seller is to blame for counts for nothing (domain.md E52)."""
    if event.data.reason == "chargeback":
        return Action.CHARGEBACK
    return Action.RETURN if event.data.reason in conduct.CAUSELESS else ""


def _removed(event: Event) -> str:
    return Action.INVALID_REVIEW if event.data.reason == "invalid" else ""


def _logged_in(event: Event) -> str:
    """An automatic log-in counts for nothing (E30)."""
    return Action.LOGIN if event.data.manual else ""


def _order(event: Event) -> str:
    return event.data.order


def _liker(event: Event) -> str:
    return event.data.by


def _device(event: Event) -> str:
    """The liker's device, which `review.liked` names in its data."""
    return identities.mark("device", event.data.device)


GUARDED = {
    "member.logged_in": Guarded(_logged_in),
    "member.checked_in": Guarded(Action.CHECK_IN),
    "member.shared": Guarded(Action.SHARE),
    "review.approved": Guarded(Action.REVIEW, order=_order),
    "review.liked": Guarded(Action.LIKE, other=_liker, device=_device),
    "review.removed": Guarded(_removed),
    "order.refunded": Guarded(_returned, order=_order),
    "delivery.refused": Guarded(Action.REFUSED_DELIVERY, order=_order),
}


def look_into(payload: dict, at: dt.datetime, now: dt.datetime) -> None:
    """Set aside what the member earned at the instant of the action; `at` is when the rule asked for it.

    What an action earned may be written a moment later: raises PointsNotThereYet for two minutes. After them it has
    earned nothing, or all of it has been spent, and nothing is left to set aside.
    """
    named = Member.objects.select_related("merged_into").filter(external_id=payload["key"])
    lots = Lot.objects.filter(
        account__wallet__member__in=[members.remaining(member) for member in named],
        earned_at=dt.datetime.fromisoformat(payload["at"]),
        is_open=True,
    ).values_list("pk", flat=True)
    if chosen := list(lots):
        evidence = gettext("The risk rule “%(rule)s” asks for a look: refusal %(refusal)s.") % payload
        title = f"{payload['rule']}: {payload['key']}"[:100]
        # Somebody may spend them between the question and the lock.
        with suppress(quarantines.NothingToSetAside):
            quarantines.open(chosen, title=title, evidence=evidence, actor=Actor("risk"), at=at)
    elif now < at + PATIENCE:
        raise PointsNotThereYet
