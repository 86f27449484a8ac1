"""Which events are guarded, and what of them counts. Higher floors say it of theirs (apps.py)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import NamedTuple

from common.problems import Problem
from common.services.event_types import Event
from members.services import risk_guards
from members.services.risk_guards import Attempt

Read = Callable[[Event], str]


class Guarded(NamedTuple):
    """The action an event stands for (empty: this one counts for nothing), and where its data says more."""

    action: str | Read
    other: Read | None = None
    order: Read | None = None
    device: Read | None = None


_guarded: dict[str, Guarded] = {}


def register(event_type: str, guarded: Guarded) -> None:
    """Have risk rules asked before events of a type are worked."""
    _guarded[event_type] = guarded


def guard(events: list[Event], at: dt.datetime) -> list[Problem | None]:
    """The inbox's guard: what each event is refused with, or None."""
    attempts = [_attempt(event) for event in events]
    asked = [attempt for attempt in attempts if attempt is not None]
    answers = iter(risk_guards.judge(asked, at) if asked else ())
    return [None if attempt is None else next(answers) for attempt in attempts]


def _attempt(event: Event) -> Attempt | None:
    found = _guarded.get(event.type)
    if found is None:
        return None
    action = found.action(event) if callable(found.action) else found.action
    if not action:
        return None
    return Attempt(
        action=action,
        subject=event.subject,
        at=event.time,
        device=(found.device(event) if found.device else "") or event.device,
        address=event.address,
        other=found.other(event) if found.other else "",
        order=found.order(event) if found.order else "",
        reference=f"{event.source} {event.id}"[:210],
    )
