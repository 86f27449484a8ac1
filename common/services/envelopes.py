"""CloudEvents 1.0 as they come in: checked, hashed, and their data decoded."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from django.utils.translation import gettext_lazy as _

from common import decoding
from common.problems import InternalError, InvalidInput, Problem
from common.services.event_types import Event, EventType

logger = logging.getLogger(__name__)

CLOCK_SKEW = timedelta(minutes=5)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class EventInFuture(Problem):
    """The event's time lies more than five minutes ahead."""

    code = "event_in_future"
    status = 422
    title = _("The event's time lies in the future.")


class UnknownEventType(Problem):
    """Nobody has registered this type."""

    code = "unknown_event_type"
    status = 422
    title = _("This event type is not known.")


class Envelope(msgspec.Struct, kw_only=True):
    """A CloudEvent 1.0 in structured JSON. Of its extension attributes, `device` and `address` say from where it came;

    others are kept in the hash and not looked at.
    """

    specversion: Literal["1.0"]
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    source: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    time: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    subject: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    data: Any = None
    device: Annotated[str, msgspec.Meta(max_length=200)] = ""
    address: Annotated[str, msgspec.Meta(max_length=200)] = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """An event that may be worked on: its type, and the SHA-256 of its canonical JSON."""

    event: Event
    type: EventType
    hash: str


_encode = msgspec.json.Encoder(order="deterministic").encode
_seal: Callable[[Any], Any] = lambda data: data  # noqa: E731
_mark: Callable[[str, Any], Any] = lambda name, value: value  # noqa: E731


def seal_with(seal: Callable[[Any], Any], mark: Callable[[str, Any], Any]) -> None:
    """Called once by the app that knows what must not be kept as it came (apps.py): `seal(data)` of an event's data,

    `mark(name, value)` of the attributes that say from where it came.
    """
    global _seal, _mark
    _seal, _mark = seal, mark


def sealed(body: Any) -> Any:
    """The event with its secrets replaced, before it is hashed, kept, refused or logged. Of whatever form it is."""
    if not isinstance(body, dict):
        return body
    marks = {name: _mark(name, body[name]) for name in ("device", "address") if name in body}
    return {**body, **marks, **({"data": _seal(body["data"])} if "data" in body else {})}


def open_envelope(body: Any, types: dict[str, EventType], at: datetime) -> Opened:
    """Check the envelope, the time and the type of a parsed body, and decode its data. Raises Problem."""
    canonical = canonical_json(body)
    envelope = decoding.convert(body, Envelope, pointer="")
    happened_at = envelope.time or at
    if happened_at < EARLIEST:
        raise InvalidInput(errors=[{"pointer": "/time", "code": "invalid", "detail": str(_("Before 1970."))}])
    if happened_at > at + CLOCK_SKEW:
        raise EventInFuture()
    event_type = types.get(envelope.type)
    if event_type is None:
        raise UnknownEventType()
    event = Event(
        source=envelope.source,
        id=envelope.id,
        type=envelope.type,
        subject=envelope.subject or "",
        time=happened_at.astimezone(UTC),  # PostgreSQL refuses offsets of sixteen hours and more, which RFC 3339 allows
        data=_decode(event_type, envelope.data),
        raw=envelope.data,
        device=envelope.device,
        address=envelope.address,
    )
    return Opened(event, event_type, hashlib.sha256(canonical).hexdigest())


def _decode(event_type: EventType, data: Any) -> Any:
    try:
        return event_type.decode(data)
    except Problem:
        raise
    except RecursionError:
        raise InvalidInput(_("It is nested too deeply.")) from None
    except Exception:
        logger.exception("decoding the data of an event failed")
        raise InternalError() from None


def canonical_json(body: Any) -> bytes:
    """The event's JSON with sorted keys; refuses what no database can store."""
    try:
        canonical = _encode(body)
    except (UnicodeEncodeError, TypeError, ValueError, OverflowError, RecursionError):
        raise InvalidInput(_("The event is not JSON that can be stored.")) from None
    if b"\\u0000" in canonical and decoding.has_nul(body):
        raise InvalidInput(_("Text must not contain the NUL character."))
    return canonical
