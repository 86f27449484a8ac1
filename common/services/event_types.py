"""What the inbox knows to do: event types, the events that services see, and the outcomes they return."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.problems import Problem


@dataclass(frozen=True, slots=True)
class Event:
    """An event as its service sees it: `data` is decoded and typed, `raw` is the data as JSON.

    `device` and `address` are the extension attributes of these names, sealed (envelopes.py).
    """

    source: str
    id: str
    type: str
    subject: str
    time: datetime
    data: Any
    raw: dict
    device: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an event did. `effects` is what the sender is answered, now and for every duplicate."""

    status: str
    effects: dict
    reason: str = ""
    problem: Problem | None = None

    @classmethod
    def applied(cls, effects: dict) -> Outcome:
        return cls("applied", effects)

    @classmethod
    def ignored(cls, reason: str, effects: dict | None = None) -> Outcome:
        return cls("ignored", effects or {}, reason)

    @classmethod
    def rejected(cls, problem: Problem) -> Outcome:
        return cls("rejected", {}, "", problem)


@dataclass(frozen=True)
class EventType:
    """What is done with events of one type.

    `decode(data)` gives the typed data or raises InvalidInput with errors below /data. `process(events, at)` does the
    work of consecutive events inside the caller's transaction, set-based, and returns one Outcome for each; a bad
    event is an Outcome.rejected that changed nothing. Whatever it raises rolls everything back, and the events are
    tried in halves, down to the one that is to blame.
    """

    name: str
    decode: Callable[[Any], Any]
    process: Callable[[list[Event], datetime], list[Outcome]]


Resolver = Callable[[Collection[str]], dict[str, EventType]]

Guard = Callable[[list[Event], datetime], list[Problem | None]]

_types: dict[str, EventType] = {}
_resolvers: list[Resolver] = []


def register(*event_types: EventType) -> None:
    """Make event types known; called from apps.py."""
    for event_type in event_types:
        _types[event_type.name] = event_type


def register_resolver(resolver: Resolver) -> None:
    """Let `resolver` look up types that nobody registered (operators define some)."""
    _resolvers.append(resolver)


def known(names: set[str]) -> dict[str, EventType]:
    """The types by name: the registered ones, and what the resolvers find for the others."""
    unknown = names.difference(_types)
    if not unknown:
        return _types
    types = dict(_types)
    for resolver in _resolvers:
        types.update(resolver(unknown))
    return types


_guard: Guard = lambda events, at: [None] * len(events)  # noqa: E731


def guard_with(guard: Guard) -> None:
    """Called once by the app that may refuse events (apps.py): it is asked before, and outside, the transaction of the work.

    It says for each event what it is refused with, or None, and commits what has to be remembered of it.
    """
    global _guard
    _guard = guard


def refusals(events: list[Event], at: datetime) -> list[Problem | None]:
    """What the guard says of each event."""
    return _guard(events, at)
