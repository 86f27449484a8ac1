"""The inbox's way into this floor: a chunk of events is read once, handled in order, and written once."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from common import clock, decoding
from common.problems import Problem
from common.services.inbox import Event, EventType, Outcome
from loyalty import messages
from loyalty.services import activities, customs, deliveries, orders, reviews, sliding
from loyalty.services.desk import Desk


@dataclass(frozen=True, slots=True)
class Handler:
    """How one event type is handled: `prepare` reads for all its events at once, `apply` does one of them."""

    data: type
    prepare: Callable[[Desk, Sequence[Event]], None]
    apply: Callable[[Desk, Event], Outcome]


HANDLERS = {
    "order.paid": Handler(messages.OrderPlaced, orders.prepare, orders.pay),
    "order.completed": Handler(messages.OrderPlaced, orders.prepare, orders.complete),
    "order.cancelled": Handler(messages.OrderCancelled, orders.prepare_returns, orders.cancel),
    "order.refunded": Handler(messages.OrderRefunded, orders.prepare_returns, orders.refund),
    "review.approved": Handler(messages.ReviewApproved, reviews.prepare_approvals, reviews.approve),
    "review.liked": Handler(messages.ReviewLiked, reviews.prepare, reviews.like),
    "review.removed": Handler(messages.ReviewRemoved, reviews.prepare, reviews.remove),
    "delivery.refused": Handler(messages.DeliveryRefused, deliveries.prepare, deliveries.refuse),
    "member.logged_in": Handler(messages.ActivityDone, activities.prepare, activities.record),
    "member.checked_in": Handler(messages.ActivityDone, activities.prepare, activities.record),
    "member.shared": Handler(messages.ActivityDone, activities.prepare, activities.record),
}
_RETURNS = {"order.cancelled", "order.refunded", "review.removed"}
_CUSTOM = Handler(dict, customs.prepare, customs.record)


def process(events: Sequence[Event], at: dt.datetime) -> list[Outcome]:
    """Do the work of some events in the caller's transaction; one outcome each, in order.

    A member's events before and after a review that is late are worked at two desks, as if they had come one by one.
    """
    outcomes: list[Outcome] = []
    while rest := events[len(outcomes) :]:
        desk = Desk([event.subject for event in rest], at, times=[event.time for event in rest])
        outcomes += _work(desk, rest[: desk.reach([(event.subject, event.time) for event in rest])])
    return outcomes


def _work(desk: Desk, events: Sequence[Event]) -> list[Outcome]:
    groups = defaultdict(list)
    for event in events:
        groups[HANDLERS.get(event.type, _CUSTOM).prepare].append(event)
    for prepare, group in groups.items():
        prepare(desk, group)
    outcomes = [_apply(desk, event) for event in events]
    desk.close()
    if desk.slides():
        active = (event.subject for event, outcome in zip(events, outcomes, strict=True) if outcome.status == "applied")
        sliding.extend({desk.wallets[subject].account_id for subject in active}, desk.at)
    return outcomes


def _apply(desk: Desk, event: Event) -> Outcome:
    """Do one event; what it did to the member's standing is said with the rest (api.md)."""
    try:
        wallet = desk.wallet(event.subject)
        before = desk.growth.look(wallet)
        outcome = HANDLERS.get(event.type, _CUSTOM).apply(desk, event)
    except Problem as problem:
        return Outcome.rejected(problem)
    if outcome.status == "applied":
        desk.mark(wallet, clock.local_date(event.time))
        outcome.effects.update(desk.growth.effects(before, wallet, returned=event.type in _RETURNS))
    return outcome


def event_types() -> list[EventType]:
    """The types of this floor, for the inbox."""
    return [
        EventType(name, partial(decoding.convert, type=handler.data), process) for name, handler in HANDLERS.items()
    ]


def resolve(names: Collection[str]) -> dict[str, EventType]:
    """Types that operators have defined, for the inbox."""
    return customs.resolve(names, process)
