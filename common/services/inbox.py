"""Events in: each CloudEvent is taken once, does its work once, and answers the same for ever."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

import msgspec
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.utils.translation import gettext_lazy as _

from common import sql
from common.models import InboxEvent, RejectedEvent
from common.problems import InternalError, InvalidInput, Problem, Unavailable
from common.services import envelopes, event_types
from common.services.event_types import Event, EventType, Outcome, register, register_resolver

__all__ = ["Event", "EventIdReused", "EventType", "Outcome", "receive", "register", "register_resolver"]

logger = logging.getLogger(__name__)

CHUNK = 500
TRIES = 3


class EventIdReused(Problem):
    """(source, id) names an event that was taken in with another body."""

    code = "event_id_reused"
    status = 409
    title = _("This event id was used before, for an event with another body.")


@dataclass(slots=True, eq=False)
class _Item:
    """One event of a batch on its way to its result."""

    body: Any
    identity: tuple[str, str]
    opened: envelopes.Opened = field(init=False)  # unless it was rejected at once
    result: dict = field(default_factory=dict)  # empty until it has its outcome


def receive(bodies: list[Any], at: datetime) -> list[dict]:
    """Take in parsed CloudEvents and say what each did, in their order.

    A result is {"id", "source", "status", "effects" | "reason" | "problem"}; status is applied, duplicate, ignored or
    rejected. An event that is rejected changes nothing, spoils no other one, and may be sent again, corrected.
    Commits as it goes (chunks of 500), so it must not be called inside a transaction.
    """
    bodies = [envelopes.sealed(body) for body in bodies]
    items = [_Item(body, (_text(body, "source", 200), _text(body, "id", 200))) for body in bodies]
    types = event_types.known({_text(body, "type", 100) for body in bodies})
    waiting = [item for item in items if _open(item, types, at)]
    while waiting:
        waiting, twins = _first_of_each(waiting)
        fresh = _sort_out_known(waiting)
        for chunk in _chunks(fresh):
            _apply(_let_through(chunk, at), at)
        waiting = twins
    _remember_rejected(items, at)
    return [item.result for item in items]


def _open(item: _Item, types: dict[str, EventType], at: datetime) -> bool:
    try:
        item.opened = envelopes.open_envelope(item.body, types, at)
    except Problem as problem:
        _reject(item, problem)
        return False
    return True


def _first_of_each(items: list[_Item]) -> tuple[list[_Item], list[_Item]]:
    """Split off later events of the same identity: they wait until the first one has its outcome."""
    first: dict[tuple[str, str], _Item] = {}
    twins = [item for item in items if first.setdefault(item.identity, item) is not item]
    return list(first.values()), twins


def _sort_out_known(items: list[_Item]) -> list[_Item]:
    """Answer the events that were taken in before; return the others. One query."""
    sources, ids = {item.identity[0] for item in items}, {item.identity[1] for item in items}
    rows = InboxEvent.objects.filter(source__in=sources, event_id__in=ids).values_list(
        "source", "event_id", "body_hash", "status", "reason", "effects"
    )
    known = {(source, event_id): answer for source, event_id, *answer in rows}
    fresh = []
    for item in items:
        if item.identity not in known:
            fresh.append(item)
            continue
        body_hash, status, reason, effects = known[item.identity]
        if body_hash == item.opened.hash:
            item.result = _result(item, Outcome(status, effects, reason)) | {"status": "duplicate"}
        else:
            _reject(item, EventIdReused())
    return fresh


def _chunks(items: list[_Item]) -> Iterator[list[_Item]]:
    """Consecutive events with the same process, at most 500 together."""
    for _process, group in groupby(items, key=lambda item: item.opened.type.process):
        run = list(group)
        for start in range(0, len(run), CHUNK):
            yield run[start : start + CHUNK]


def _let_through(items: list[_Item], at: datetime) -> list[_Item]:
    """Reject what the guard refuses; the others."""
    refusals = event_types.refusals([item.opened.event for item in items], at)
    for item, refusal in zip(items, refusals, strict=True):
        if refusal is not None:
            _reject(item, refusal)
    return [item for item in items if not item.result]


def _apply(items: list[_Item], at: datetime) -> None:
    """Process events in one transaction; if that fails, in halves, each on its own."""
    if not items:
        return None
    if len(items) == 1:
        return _apply_one(items[0], at)
    try:
        results = _process(items, at)
    except Exception as error:
        _raise_if_disconnected(error)
        logger.warning("a chunk of %d events failed and is tried in halves", len(items), exc_info=True)
        middle = len(items) // 2
        _apply(items[:middle], at)
        return _apply(items[middle:], at)
    for item, result in zip(items, results, strict=True):
        item.result = result
    return None


def _apply_one(item: _Item, at: datetime, tries: int = TRIES) -> None:
    """Process one event; a lost race is tried again, a racing twin is found as a duplicate."""
    try:
        (item.result,) = _process([item], at)
    except Problem as problem:
        _reject(item, problem)
    except (IntegrityError, OperationalError) as error:
        _raise_if_disconnected(error)
        if not _sort_out_known([item]):
            return
        if tries > 1:
            time.sleep(0.02 * (TRIES - tries + 1))
            _apply_one(item, at, tries - 1)
        else:
            logger.exception("event %s could not be taken in", item.identity)
            lost_race = isinstance(error, OperationalError)
            _reject(item, Unavailable(retry_after=1) if lost_race else InternalError())
    except (DataError, OverflowError):
        logger.warning("event %s holds a value that went down to the database unchecked", item.identity, exc_info=True)
        _reject(item, InvalidInput(_("A value cannot be stored.")))
    except Exception:
        logger.exception("event %s failed", item.identity)
        _reject(item, InternalError())


def _process(items: list[_Item], at: datetime) -> list[dict]:
    """One transaction: the work, and the row that says it was done."""
    with transaction.atomic(durable=True):
        outcomes = items[0].opened.type.process([item.opened.event for item in items], at)
        pairs = list(zip(items, outcomes, strict=True))
        taken = [_row(item, outcome, at) for item, outcome in pairs if outcome.problem is None]
        sql.insert_rows(InboxEvent, _COLUMNS, taken)
    return [_result(item, outcome) for item, outcome in pairs]


_COLUMNS = (
    *("source", "event_id", "type", "subject", "time", "received_at", "body_hash"),
    *("data", "status", "reason", "effects"),
)


def _row(item: _Item, outcome: Outcome, at: datetime) -> tuple:
    event = item.opened.event
    return (
        *(event.source, event.id, event.type, event.subject, event.time, at, item.opened.hash),
        *(event.raw, outcome.status, outcome.reason, outcome.effects),
    )


def _raise_if_disconnected(error: Exception) -> None:
    """Without a database nothing more can be said about any event: the caller hears 503 and sends all again."""
    if isinstance(error, OperationalError) and not connection.is_usable():
        connection.close()
        raise error


def _result(item: _Item, outcome: Outcome) -> dict:
    source, event_id = item.identity
    result: dict[str, Any] = {"id": event_id, "source": source, "status": outcome.status}
    if outcome.problem is not None:
        result["problem"] = outcome.problem.document()
    elif outcome.status == "applied":
        result["effects"] = outcome.effects
    else:
        result["reason"] = outcome.reason
        if outcome.effects:
            result["effects"] = outcome.effects
    return result


def _reject(item: _Item, problem: Problem) -> None:
    item.result = _result(item, Outcome.rejected(problem))


_REJECTED_COLUMNS = ("received_at", "source", "event_id", "type", "subject", "body", "problem")


def _remember_rejected(items: Iterable[_Item], at: datetime) -> None:
    rejected = [item for item in items if item.result["status"] == "rejected"]
    sql.insert_rows(RejectedEvent, _REJECTED_COLUMNS, [_rejected_row(item, at) for item in rejected])


def _rejected_row(item: _Item, at: datetime) -> tuple:
    try:
        body = msgspec.Raw(envelopes.canonical_json(item.body))
    except InvalidInput:
        body = msgspec.Raw(b"null")
    words = (*item.identity, _text(item.body, "type", 100), _text(item.body, "subject", 100))
    return (at, *words, body, item.result["problem"])


def _text(body: Any, name: str, length: int) -> str:
    """A member of a body that may be anything, as storable text."""
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, str):
        return ""
    return value.replace("\0", "").encode(errors="replace").decode()[:length]
