"""What the OpenAPI document says in words; and problems and events, behind which no serializer stands."""

from drf_spectacular.utils import OpenApiExample

PROBLEM = {
    "type": "object",
    "description": "A problem document (RFC 9457). `code` is stable and meant for machines, the texts for people.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "retry_after": {"type": "integer", "description": "Seconds after which trying again makes sense."},
        "errors": {
            "type": "array",
            "description": "Each place that is not valid.",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "JSON Pointer into the body, or /name of a parameter.",
                    },
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}

DESCRIPTION = """\
JSON in `snake_case`. Money is an integer in the currency's minor unit, points are whole numbers, instants are RFC 3339 in
UTC, a day is a local day of the programme. Members are named by `external_id`, the shop's own number for them.

**Who calls.** The shop's back end signs in with `Authorization: Key <prefix>.<secret>`; each operation asks for one of the
key's scopes (`events:write`, `members:read`, `members:write`, `points:write`). A sales channel (a bank, an airline) signs
in the same way with a key of its own, `channel:sell`, and sees its own sales alone. A member's app signs in with
`Authorization: Bearer <JWT>`, signed by the shop's identity provider: `sub` is the member's `external_id`; `aud` and `exp`
are required; a token lives for a day at most. A merchant's staff call `/merchant/…` with the session of their site. What is
not the caller's own is 404.

**Errors** are problem documents (RFC 9457, `application/problem+json`). `code` is stable and meant for machines; `errors`
point at each place of the body that is not valid.

**Sending again is safe.** A POST that moves value takes an `Idempotency-Key`: the same request gets its first answer again,
with `Idempotency-Replayed: true`; another request with the same key is 422 `idempotency_key_reused`; while the first is
being worked on, 409 with `Retry-After`. Events are their own key: (`source`, `id`).

**Lists** are read page by page: follow `next` and `previous`, which neither skip nor repeat while rows are added; `limit`
says how many, 200 at most.
"""
TAGS: list[dict[str, str]] = [
    {"name": "events", "description": "What happened in the shop."},
    {"name": "members", "description": "Members, their statements and adjustments, for the shop's back end."},
    {"name": "checkout", "description": "Paying with points: quote, hold, capture, release."},
    {"name": "games", "description": "Games with their published odds."},
    {"name": "risk", "description": "Whether a member may do something at a door of the shop's own."},
    {"name": "me", "description": "The member's own pages, for the mobile app."},
    {"name": "channel", "description": "Codes for plans, for the bank, airline or company that sells them."},
    {"name": "merchant", "description": "A merchant's own members, campaigns, points and prices, for its staff."},
]

EVENTS_DESCRIPTION = """\
CloudEvents 1.0 in structured JSON. (`source`, `id`) is the identity: sent again with the same body an event changes
nothing and answers what it answered first, with status `duplicate` (200); with another body it is refused with 409
`event_id_reused`. A rejected event changes nothing and may be sent again, corrected. Risk rules may refuse what a member
earns by (403 `refused_by_risk`, with `rule` and `refusal`); they never refuse orders and returns.

One event answers 201, or the problem for which it was rejected. A batch (an array) always answers 200 with one result
per event, in order; a bad event does not spoil the others. An empty array answers an empty array. A batch with more
than 1,000 events is refused as a whole with 413 `batch_too_large`.
"""

CLOUD_EVENT = {
    "type": "object",
    "required": ["specversion", "id", "source", "type"],
    "properties": {
        "specversion": {"type": "string", "enum": ["1.0"]},
        "id": {"type": "string", "minLength": 1, "maxLength": 200},
        "source": {"type": "string", "minLength": 1, "maxLength": 200},
        "type": {"type": "string", "minLength": 1, "maxLength": 100},
        "time": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "When it happened, at most five minutes ahead; missing means now.",
        },
        "subject": {
            "type": ["string", "null"],
            "maxLength": 100,
            "description": "The member's external_id.",
        },
        "device": {
            "type": "string",
            "maxLength": 200,
            "description": "Extension: the device it came from. Kept as a keyed digest only; risk rules count by it.",
        },
        "address": {
            "type": "string",
            "maxLength": 200,
            "description": "Extension: the network address it came from. Kept as a keyed digest only.",
        },
        "data": {"description": "What the type asks for."},
    },
}
EVENT = {"$ref": "#/components/schemas/CloudEvent"}
BATCH = {"type": "array", "maxItems": 1000, "items": EVENT}
EVENT_OR_BATCH = {"oneOf": [EVENT, BATCH]}
EVENT_RESULT = {
    "type": "object",
    "required": ["id", "source", "status"],
    "properties": {
        "id": {"type": "string"},
        "source": {"type": "string"},
        "status": {"type": "string", "enum": ["applied", "duplicate", "ignored", "rejected"]},
        "effects": {"type": "object", "additionalProperties": True, "description": "What it did; depends on the type."},
        "reason": {"type": "string", "description": "Why it was ignored."},
        "problem": {"$ref": "#/components/schemas/Problem"},
    },
}
RESULT = {"$ref": "#/components/schemas/EventResult"}
RESULT_OR_RESULTS = {"oneOf": [RESULT, {"type": "array", "items": RESULT}]}

ORDER_COMPLETED = {
    "specversion": "1.0",
    "id": "evt-1",
    "source": "/shop",
    "type": "order.completed",
    "time": "2026-03-01T10:00:00Z",
    "subject": "cust-42",
    "data": {
        "order": "o-1001",
        "channel": "app",
        "lines": [{"line": "1", "sku": "sku-9", "category": "books", "store": "acme", "quantity": 2, "cash": 6660}],
    },
}
APPLIED = {
    "id": "evt-1",
    "source": "/shop",
    "status": "applied",
    "effects": {
        "points": {"earned": 66, "pending": 0, "capped": []},
        "growth": {"added": 66},
        "tier": {"before": "bronze", "after": "bronze"},
    },
}
EXAMPLES = [
    OpenApiExample("An order is completed", ORDER_COMPLETED, request_only=True),
    OpenApiExample("It earned points and growth", APPLIED, response_only=True, status_codes=["201"]),
    OpenApiExample("Sent again", APPLIED | {"status": "duplicate"}, response_only=True, status_codes=["200"]),
]

COMPONENTS = {"Problem": PROBLEM, "CloudEvent": CLOUD_EVENT, "EventResult": EVENT_RESULT}
