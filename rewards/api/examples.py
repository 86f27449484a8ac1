"""What requests and answers of this floor look like, for readers of the OpenAPI document."""

from .coupons import TERMS

REASON = {"code": "insufficient_points", "detail": "120 points are missing.", "missing": 120}
REWARD = {
    "code": "coffee-mug",
    "name": "Coffee mug",
    "description": "Holds a third of a litre.",
    "kind": "gift",
    "symbol": "coffee",
    "colour": "#b45309",
    "picture": None,
    "sponsor": "ACME",
    "perceived_value": 3900,
    "points": 900,
    "cash": 0,
    "list_points": 1000,
    "list_cash": 0,
    "price_for": "tier:gold",
    "left": 17,
    "available_from": None,
    "available_until": "2026-12-31T16:00:00Z",
    "least_tier": None,
    "valid_days": None,
    "coupon": None,
    "available": False,
    "reasons": [REASON],
}
REDEMPTION_REQUEST = {"reward": "five-off"}
REDEMPTION = {
    "uuid": "5d0c5f2e-2f43-4b5c-8d7f-0f6c4b1de9a3",
    "member": "cust-42",
    "reward": {
        "code": "five-off",
        "name": "5.00 off",
        "kind": "coupon",
        "symbol": "confirmation_number",
        "colour": "#2563eb",
        "picture": None,
        "coupon": TERMS,
    },
    "status": "delivered",
    "text": "Handed out",
    "points": 500,
    "cash": 0,
    "price_for": "list",
    "code": "7KQM-2XWA-9TRC-HD4V",
    "instructions": "",
    "created_at": "2026-03-01T10:00:00Z",
    "held_until": None,
    "expires_at": "2026-03-31T16:00:00Z",
    "tracking": "",
    "restored": 0,
    "order": "",
    "history": [
        {"status": "placed", "at": "2026-03-01T10:00:00Z"},
        {"status": "delivered", "at": "2026-03-01T10:00:00Z"},
    ],
}
RETURNED = REDEMPTION | {
    "status": "returned",
    "text": "Returned",
    "code": None,
    "restored": 500,
    "history": [*REDEMPTION["history"], {"status": "returned", "at": "2026-03-02T10:00:00Z"}],
}
GIFT = REDEMPTION | {
    "reward": {name: REWARD[name] for name in ("code", "name", "kind", "symbol", "colour", "picture", "coupon")},
    "code": None,
    "expires_at": None,
    "status": "shipped",
    "text": "On its way",
    "tracking": "SF-1",
    "history": [
        {"status": "placed", "at": "2026-03-01T10:00:00Z"},
        {"status": "shipped", "at": "2026-03-02T10:00:00Z"},
    ],
}
USED = REDEMPTION | {
    "order": "o-1001",
    "status": "used",
    "text": "Used",
    "history": [*REDEMPTION["history"], {"status": "used", "at": "2026-03-02T10:00:00Z"}],
}
