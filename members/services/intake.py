"""The inbox's process for events about members: one roll for the whole chunk, one outcome an event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import msgspec
from django.utils.translation import gettext_lazy as _

from common import decoding
from common.problems import InvalidInput, Problem
from common.services.inbox import Event, EventType, Outcome

from . import admission, credit, profiles
from .profiles import ExternalId, Profile, is_external_id
from .roll import Roll, open_roll


class Nothing(msgspec.Struct, frozen=True):
    """Data of an event whose subject says it all."""


class Merge(msgspec.Struct, frozen=True):
    into: ExternalId


class CreditUpdate(msgspec.Struct, frozen=True):
    score: Annotated[int, msgspec.Meta(ge=0, le=credit.MOST)]


def process(events: list[Event], at: dt.datetime) -> list[Outcome]:
    """Apply the events in order; an event that is refused changes nothing and spoils no other."""
    names = {event.subject for event in events}
    names |= {event.data.into for event in events if isinstance(event.data, Merge)}
    scores: list[credit.Word] = []
    with open_roll(names, at) as roll:
        outcomes = [_outcome(event, roll, scores) for event in events]
    if scores:
        credit.record(scores, at)
    return outcomes


def _outcome(event: Event, roll: Roll, scores: list[credit.Word]) -> Outcome:
    try:
        _check_subject(event.subject)
        if event.type == "member.credit_updated":
            return _credit(event, roll, scores)
        return _VERBS[event.type](event, roll)
    except Problem as problem:
        return Outcome.rejected(problem)


def _check_subject(subject: str) -> None:
    if not is_external_id(subject):
        detail = str(_("Must be the member's external id: 1 to 100 characters, no slash."))
        raise InvalidInput(errors=[{"pointer": "/subject", "code": "invalid", "detail": detail}])


def _register(event: Event, roll: Roll) -> Outcome:
    profiles.check(event.data, event.time, "/data")
    was_known = roll.knows(event.subject)
    changed = roll.register(event.subject, event.data, event.time)
    return _answer(roll, event.subject, changed, "already_registered", registered=not was_known)


def _update(event: Event, roll: Roll) -> Outcome:
    profiles.check(event.data, event.time, "/data")
    _admit(event.subject, event, roll)
    changed = roll.update(event.subject, event.data, event.time)
    return _answer(roll, event.subject, changed, "nothing_changed")


def _close(event: Event, roll: Roll) -> Outcome:
    return _answer(roll, event.subject, roll.close(event.subject, event.time), "already_closed")


def _merge(event: Event, roll: Roll) -> Outcome:
    source, target = event.subject, event.data.into
    if source != target:
        _refuse_early(source, target, roll)
        _admit(source, event, roll)
        _admit(target, event, roll)
    changed = roll.merge(source, target, event.time)
    return _answer(roll, event.subject, changed, "already_merged")


def _refuse_early(source: str, target: str, roll: Roll) -> None:
    """A merge that will be refused must not register the member it also names."""
    if roll.knows(target):
        roll.remaining(target)
    elif roll.knows(source):
        roll.active(source)


def _credit(event: Event, roll: Roll, scores: list[credit.Word]) -> Outcome:
    _admit(event.subject, event, roll)
    scores.append(credit.Word(roll.active(event.subject), event.data.score, event.time))
    return Outcome.applied({"credit_score": event.data.score})


def _admit(external_id: str, event: Event, roll: Roll) -> None:
    if not roll.knows(external_id) and admission.is_open():
        roll.register(external_id, Profile(), event.time)


def _answer(roll: Roll, external_id: str, changed: bool, otherwise: str, **effects: Any) -> Outcome:
    member = roll.find(external_id)
    effects |= {"status": str(member.status)}
    if member.merged_into is not None:
        effects |= {"merged_into": member.merged_into.external_id}
    return Outcome.applied({"member": effects}) if changed else Outcome.ignored(otherwise, {"member": effects})


_VERBS: dict[str, Callable[[Event, Roll], Outcome]] = {
    "member.registered": _register,
    "member.updated": _update,
    "member.closed": _close,
    "member.merged": _merge,
}


def _decode(type: type, data: Any) -> Any:
    return decoding.convert({} if data is None else data, type)


def event_types() -> list[EventType]:
    """What the app registers with the inbox."""
    data = {
        "member.registered": Profile,
        "member.updated": Profile,
        "member.closed": Nothing,
        "member.merged": Merge,
        "member.credit_updated": CreditUpdate,
    }
    return [EventType(name, partial(_decode, type), process) for name, type in data.items()]
