"""The states of a redemption: one table, one lock, one history."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from common import sql
from common.services.audit import Actor
from rewards.models import Redemption, RedemptionEvent
from rewards.services.refusals import RewardExpired, RewardUsed, UnknownRedemption, WrongState

Status = Redemption.Status

TRANSITIONS: dict[str, tuple[frozenset[str], str]] = {
    "hold": (frozenset({""}), Status.HELD),
    "place": (frozenset({"", Status.HELD}), Status.PLACED),
    "fulfil": (frozenset({Status.PLACED}), Status.FULFILLING),
    "ship": (frozenset({Status.PLACED, Status.FULFILLING}), Status.SHIPPED),
    "deliver": (frozenset({Status.PLACED, Status.FULFILLING, Status.SHIPPED}), Status.DELIVERED),
    "use": (frozenset({Status.DELIVERED}), Status.USED),
    "reinstate": (frozenset({Status.USED}), Status.DELIVERED),
    "expire": (frozenset({Status.DELIVERED}), Status.EXPIRED),
    "cancel": (frozenset({Status.HELD, Status.PLACED, Status.FULFILLING}), Status.CANCELLED),
    "give_back": (frozenset({Status.SHIPPED, Status.DELIVERED}), Status.RETURNED),
}
"""verb → (from which states, to which state); "" is a redemption that is being made."""

_EVENT = ("redemption_id", "before", "after", "at", "actor_label", "reason")


def lock(redemption_uuid: uuid.UUID) -> Redemption:
    """The redemption, locked, with what the steps read. Who moves points holds the member's account by now.

    Raises UnknownRedemption.
    """
    rows = Redemption.objects.select_for_update(of=("self",)).select_related("reward", "member", "hold")
    found = rows.filter(uuid=redemption_uuid).first()
    if found is None:
        raise UnknownRedemption
    return found


def check(redemption: Redemption, verb: str, at: dt.datetime) -> None:
    """Raises RewardUsed, RewardExpired or WrongState if the step does not lead on from here.

    Time counts, not the nightly job: what is due has expired.
    """
    status = redemption.status
    expired = status == Status.EXPIRED or (
        status == Status.DELIVERED and redemption.expires_at is not None and redemption.expires_at <= at
    )
    if expired and verb != "expire":
        raise RewardExpired(redemption_status=Status.EXPIRED)
    if status in TRANSITIONS[verb][0]:
        return
    problem = RewardUsed if status == Status.USED else WrongState
    raise problem(redemption_status=status, allowed=sorted(TRANSITIONS[verb][0] - {""}))


def move(redemption: Redemption, verb: str, at: dt.datetime, *, actor: Actor, reason: str = "") -> RedemptionEvent:
    """Take a checked step on the object; the caller writes the row and the event."""
    before, redemption.status = redemption.status, TRANSITIONS[verb][1]
    return RedemptionEvent(
        redemption=redemption,
        before=before,
        after=redemption.status,
        at=at,
        actor_label=actor.label[:150],
        reason=reason[:300],
    )


def write(events: Sequence[RedemptionEvent]) -> None:
    """Write steps of redemptions that are saved by now, in one statement."""
    rows = [(e.redemption.pk, e.before, e.after, e.at, e.actor_label, e.reason) for e in events]
    sql.insert_rows(RedemptionEvent, _EVENT, rows)
