"""Events that operators define: checked against their JSON Schema, offered to the earning rules."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import jsonschema
from django.utils.translation import gettext_lazy as _
from referencing import Registry

from common.problems import InvalidInput
from common.services.inbox import Event, EventType, Outcome
from loyalty.models import CustomEventType
from loyalty.services import activities
from loyalty.services.desk import Desk
from loyalty.services.memberfacts import MemberFacts


def resolve(names: Collection[str], process) -> dict[str, EventType]:
    """The event types operators have defined under these names."""
    rows = CustomEventType.objects.filter(name__in=names, is_active=True)
    return {row.name: EventType(row.name, _decoder(row.schema), process) for row in rows}


def _decoder(schema: dict):
    # An empty registry: a schema refers to itself only, and nothing is ever fetched for it.
    validator = jsonschema.Draft202012Validator(schema, registry=Registry())

    def decode(data):
        if not isinstance(data, dict):
            raise InvalidInput(
                errors=[{"pointer": "/data", "code": "invalid", "detail": str(_("An object is expected."))}]
            )
        errors = [
            {
                "pointer": "/".join(["/data", *map(str, error.absolute_path)]),
                "code": "schema",
                "detail": error.message[:300],
            }
            for error in validator.iter_errors(data)
        ]
        if errors:
            raise InvalidInput(errors=errors[:20])
        return data

    return decode


def check_schema(schema: object) -> None:
    """Raises InvalidInput if this is no JSON Schema (draft 2020-12)."""
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise InvalidInput(_("This is not a JSON Schema: %(why)s") % {"why": error.message}) from None


def prepare(desk: Desk, events: Sequence[Event]) -> None:
    """Nothing to read but the members' facts."""
    desk.shelf.setdefault("memberfacts", MemberFacts(desk.wallets.values(), desk.rules))


def record(desk: Desk, event: Event) -> Outcome:
    """Ask the rules; `channel` in the data, if any, is the event's channel."""
    channel = event.data.get("channel", "")
    effects = activities.earn(
        desk,
        event,
        desk.shelf["memberfacts"].of(desk.wallet(event.subject), event.time),
        reference=f"{event.type}:{event.id}"[:200],
        channel=channel if isinstance(channel, str) else "",
        attributes=event.data,
    )
    return Outcome.applied(effects)
