import json
from datetime import UTC, datetime

import msgspec
import pytest
from django.db import IntegrityError
from django.test import Client

from common import decoding
from common.models import ApiKey, AuditEntry
from common.problems import Problem
from common.services import api_keys, audit, event_types, inbox

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
OPERATOR = audit.Actor("Olivia")


class TooSilly(Problem):
    code = "too_silly"
    status = 422


class Deed(msgspec.Struct):
    """The data of the tests' own event type: what its process shall do."""

    amount: int
    do: str = "apply"


def process(events: list[inbox.Event], at: datetime) -> list[inbox.Outcome]:
    """Leaves one audit entry for each applied event, so that a test can count what was really done."""
    return [_process_one(event, at) for event in events]


def _process_one(event: inbox.Event, at: datetime) -> inbox.Outcome:
    match event.data.do:
        case "ignore":
            return inbox.Outcome.ignored("nothing_to_do")
        case "reject":
            return inbox.Outcome.rejected(TooSilly("No."))
    audit.record(audit.Actor("test"), "did", None, event.id, at, data={"amount": event.data.amount})
    match event.data.do:
        case "explode":
            raise RuntimeError("a bug")
        case "violate":
            raise IntegrityError("a guard")
    return inbox.Outcome.applied({"amount": event.data.amount})


@pytest.fixture(autouse=True)
def deed_type(monkeypatch):
    deed = inbox.EventType("test.deed", lambda data: decoding.convert(data, Deed), process)
    monkeypatch.setitem(event_types._types, deed.name, deed)


@pytest.fixture
def deeds():
    """How often the work of each event was really done."""

    def count(event_id: str | None = None) -> int:
        done = AuditEntry.objects.filter(action="did")
        return done.filter(summary=event_id).count() if event_id else done.count()

    return count


def event(id: str = "e-1", *, do: str = "apply", amount: int = 1, **members) -> dict:
    return {
        "specversion": "1.0",
        "id": id,
        "source": "/shop",
        "type": "test.deed",
        "time": "2026-03-01T10:00:00Z",
        "subject": "alice",
        "data": {"amount": amount, "do": do},
    } | members


@pytest.fixture
def key(db):
    """The text of a key that may do everything."""
    return api_keys.issue("the shop", ApiKey.Scope.values, OPERATOR, AT)[1]


@pytest.fixture
def post(client: Client, key):
    """POST /api/v1/events with the key; the body is a Python value, or bytes as they are."""

    def send(body, content_type="application/json", authorization=f"Key {key}", **headers):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return client.generic(
            "POST", "/api/v1/events", raw, content_type=content_type, HTTP_AUTHORIZATION=authorization, **headers
        )

    return send
