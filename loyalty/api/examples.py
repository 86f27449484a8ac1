"""What requests and answers look like, for readers of the OpenAPI document."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample


def request(name: str, value: Any) -> OpenApiExample:
    """An example of a body that is sent."""
    return OpenApiExample(name, value=value, request_only=True)


def answer(name: str, value: Any, status: int = 200) -> OpenApiExample:
    """An example of a body that comes back."""
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])


PROFILE = {
    "name": "Li Na",
    "birthday": "1990-02-28",
    "phone_verified": True,
    "attributes": {"city": "Xi'an", "newsletter": True},
}
MEMBER = {
    "external_id": "cust-42",
    "kind": "person",
    "status": "active",
    "name": "Li Na",
    "birthday": "1990-02-28",
    "phone_verified": True,
    "real_name_verified": False,
    "attributes": {"city": "Xi'an", "newsletter": True},
    "registered_at": "2025-11-02T08:15:00Z",
    "closed_at": None,
    "merged_into": None,
}
SILVER = {"code": "silver", "name": "Silver", "rank": 2, "colour": "#9ca3af", "icon": "military_tech"}
TIER = {"code": "gold", "name": "Gold", "rank": 3, "colour": "#c9a227", "icon": "military_tech"}
DIAMOND = {"code": "diamond", "name": "Diamond", "rank": 4, "colour": "#38bdf8", "icon": "diamond"}
PROGRESS = {
    "growth": 12066,
    "next_tier": DIAMOND,
    "threshold": 30000,
    "missing": 17934,
    "needs_order": False,
    "ranked_on": None,
    "tier_since": "2026-03-01T10:00:00Z",
    "provisional_until": None,
    "set_by_hand_until": None,
    "next_review": {
        "on": "2027-03-01",
        "deduction": 4000,
        "growth_after": 8066,
        "tier_after": SILVER,
        "grace_until": None,
    },
}
TIER_CHANGE = {
    "at": "2027-02-28T16:00:00Z",
    "before": TIER,
    "after": SILVER,
    "reason": "review",
    "text": "Review",
    "growth": 8066,
    "until": "2028-02-29T16:00:00Z",
    "provisional": False,
    "reference": "review:2027-03-01",
}
GROWTH_ENTRY = {
    "number": 12,
    "at": "2026-03-01T10:00:00Z",
    "occurred_on": "2026-03-01",
    "kind": "order",
    "text": "Order",
    "criterion": "consumption",
    "base": 66,
    "coefficient_percent": 110,
    "due_hundredths": 7260,
    "change": 73,
    "change_hundredths": 7260,
    "balance": 12066,
    "balance_hundredths": 1206650,
    "reference": "order:o-1001",
    "order": "o-1001",
    "review": None,
}
POINTS = {
    "available": 5300,
    "pending": 120,
    "held": 1000,
    "debt": 0,
    "expiring": [{"on": "2026-12-31", "amount": 4100}, {"on": "2027-12-31", "amount": 1200}],
}
UNIT = {"name": "beans", "points": 1, "money": 1, "currency": "CNY"}
ME = {
    **{name: MEMBER[name] for name in ("external_id", "kind", "name", "birthday")},
    **{name: MEMBER[name] for name in ("phone_verified", "real_name_verified", "registered_at")},
    "tier": TIER,
    "progress": PROGRESS,
    "points": POINTS,
    "unit": UNIT,
}
ENTRY = {
    "number": 17,
    "unit": "points",
    "kind": "earn",
    "text": "Earned",
    "points": 66,
    "balance_after": 5300,
    "reference": "order:o-1001",
    "because": "",
    "at": "2026-03-01T10:00:00Z",
    "posted_on": "2026-03-01",
}
RULE = {"code": "basic", "name": "One bean per yuan", "version": 3, "campaign": None}
LOT = {
    "number": 17,
    "source": "order",
    "reference": "order:o-1001",
    "because": "",
    "rule": RULE,
    "funder": "platform",
    "order": "o-1001",
    "line": "1",
    "review": None,
    "earned": 66,
    "remaining": 40,
    "pending": False,
    "earned_at": "2026-03-01T10:00:00Z",
    "available_at": "2026-03-01T10:00:00Z",
    "expires_at": "2027-12-31T16:00:00Z",
    "draws": [
        {"number": 21, "kind": "redeem", "points": 26, "reference": "order:o-1007", "at": "2026-03-09T12:30:00Z"}
    ],
}
SHORTFALL = {
    "reference": "order:o-1001",
    "rule": RULE,
    "computed": 1200,
    "granted": 1000,
    "reason": "cap_order",
    "text": "Cap per order",
    "at": "2026-03-01T10:00:00Z",
}
EXPLANATIONS = {
    "next": None,
    "previous": None,
    "results": [
        {"lot": LOT, "shortfall": None, "refusal": None},
        {"lot": None, "shortfall": SHORTFALL, "refusal": None},
    ],
}
HOLD_LINES = [{"line": "1", "cash": 3330}, {"line": "2", "cash": 3330}, {"line": "3", "cash": 3340}]
HOLD_REQUEST = {"member": "cust-42", "points": 1000, "order": "o-1001", "lines": HOLD_LINES, "expires_in": 900}
HOLD = {
    "uuid": "0b5e4c8e-0f5a-4a53-9d35-5c1b7d6fd0a1",
    "member": "cust-42",
    "status": "open",
    "points": 1000,
    "order": "o-1001",
    "lines": [{"line": "1", "points": 333}, {"line": "2", "points": 333}, {"line": "3", "points": 334}],
    "created_at": "2026-03-01T09:50:00Z",
    "expires_at": "2026-03-01T10:05:00Z",
    "closed_at": None,
}
CAPTURED = HOLD | {"status": "captured", "closed_at": "2026-03-01T10:00:00Z"}
RELEASED = HOLD | {"status": "released", "closed_at": "2026-03-01T10:00:00Z"}
ADJUSTMENT_REQUEST = {"points": 500, "category": "goodwill", "reason": "The parcel came a week late."}
ADJUSTMENT = {
    "uuid": "6a1f0f0e-7f0b-4f57-9f0a-58cf2b0a4d7e",
    **ADJUSTMENT_REQUEST,
    "expires_at": None,
    "at": "2026-03-01T10:00:00Z",
}
MY_TRANSFER_REQUEST = {"to": "cust-43", "points": 200, "kind": "gift", "message": "Happy birthday!"}
TRANSFER_REQUEST = {"sender": "cust-42", **MY_TRANSFER_REQUEST}
TRANSFER = {"uuid": "c8b7f3de-8c3c-4a5e-9a55-2d0cf3f7a7c3", **MY_TRANSFER_REQUEST, "at": "2026-03-01T10:00:00Z"}
CHECK_IN = {
    "day": "2026-03-01",
    "status": "applied",
    "effects": {"points": {"earned": 5, "pending": 0, "capped": []}, "activity": {"day": "2026-03-01", "streak": 3}},
}
MEDALS = {
    "shown": True,
    "medals": [
        {
            "code": "books",
            "name": "Bookworm",
            "kind": "category",
            "description": "For members who love books.",
            "icon": "menu_book",
            "colour": "#7c3aed",
            "level": {"number": 2, "name": "Silver", "benefits": "A book coupon every quarter."},
            "since": "2026-02-01T01:00:00Z",
            "score": 214,
            "next": {"number": 3, "name": "Gold", "benefits": "", "missing": 186, "share_permille": None},
            "counted_up_to": "2026-03-01",
        },
        {
            "code": "photo-reviews",
            "name": "Photographer",
            "kind": "behaviour",
            "description": "For reviews with photos.",
            "icon": "photo_camera",
            "colour": "#0891b2",
            "level": None,
            "since": None,
            "score": 0,
            "next": {"number": 1, "name": "Bronze", "benefits": "", "missing": 3, "share_permille": None},
            "counted_up_to": None,
        },
    ],
}
_CASH_SOURCE = {"kind": "cash", "name": "Money paid in an order", "value": 4120}
_LINE = {"code": "plus-discount", "name": "PLUS discount", "least": 4501, "is_met": False, "missing": 301}
SCORE = {
    "provisional": 4310,
    "counted_on": "2026-03-15",
    "settled": 4200,
    "month": "2026-03-01",
    "dimensions": [
        {
            "code": "consumption",
            "name": "Consumption",
            "provisional": 4120,
            "settled": 4010,
            "cap": 20000,
            "weight_percent": 100,
            "sources": [_CASH_SOURCE],
        },
        {
            "code": "account",
            "name": "Account",
            "provisional": 190,
            "settled": 190,
            "cap": 300,
            "weight_percent": 100,
            "sources": [{"kind": "phone", "name": "Phone verified", "value": 190}],
        },
    ],
    "drops_out": {
        "on": "2026-04-02",
        "month": "2025-03-01",
        "score_without": 3900,
        "sources": [_CASH_SOURCE | {"value": 300}],
    },
    "thresholds": [{"code": "birthday", "name": "Birthday gift", "least": 201, "is_met": True, "missing": 0}, _LINE],
    "next": _LINE,
    "ideas": [{"kind": "photo_review", "name": "Photo review", "units": 1, "gain": 30}],
}
GIFT = {
    "campaign": "birthdays",
    "name": "Birthday gift",
    "trigger": "birthday",
    "occasion": "birthday:2026",
    "points": 100,
    "expires_at": "2026-05-30T16:00:00Z",
    "taken_back": 0,
    "at": "2026-02-21T19:50:00Z",
}
GROUP = {"group": "treated", "measured_until": "2026-03-23T19:50:00Z"}
GIFT_CAMPAIGN = {
    "code": "come-back",
    "name": "We miss you",
    "trigger": "lapse",
    "status": "running",
    "starts_at": "2026-01-31T16:00:00Z",
    "ends_at": "2026-12-31T16:00:00Z",
    "budget": 50000,
    "spent": 4800,
    "holdout_percent": 20,
    "treated": 24,
    "held_out": 6,
}
