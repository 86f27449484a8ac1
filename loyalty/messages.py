"""The data of the events this floor takes in (api.md): typed, strict, with bounds. Money in minor units."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

# Far above any order, far below bigint: sums of ten thousand such amounts still fit.
_MOST = 10**13

Code = Annotated[str, Meta(min_length=1, max_length=100)]
Word = Annotated[str, Meta(max_length=100)]
Channel = Annotated[str, Meta(max_length=40)]
Amount = Annotated[int, Meta(ge=0, le=_MOST)]
Quantity = Annotated[int, Meta(ge=1, le=10**6)]
Instant = Annotated[dt.datetime, Meta(tz=True)]


class Line(Struct, forbid_unknown_fields=True):
    """One line of an order; `cash` and `points` are what was paid for the whole line."""

    line: Annotated[str, Meta(min_length=1, max_length=40)]
    cash: Amount
    sku: Word = ""
    category: Word = ""
    store: Annotated[str, Meta(max_length=60)] = ""
    quantity: Quantity = 1
    points: Amount = 0
    discount: Amount = 0
    virtual: bool = False
    attributes: dict[str, Any] = msgspec.field(default_factory=dict)


class OrderPlaced(Struct, forbid_unknown_fields=True):
    """order.paid and order.completed.

    `freight_waived` is freight that was not asked for, because the goods reached `free_from` (E16).
    """

    order: Code
    lines: Annotated[list[Line], Meta(min_length=1, max_length=1000)]
    channel: Channel = ""
    paid_at: Instant | None = None
    freight: Amount = 0
    freight_waived: Amount = 0
    free_from: Amount = 0
    hold: Annotated[str, Meta(max_length=36)] | None = None
    attributes: dict[str, Any] = msgspec.field(default_factory=dict)


class OrderCancelled(Struct, forbid_unknown_fields=True):
    """order.cancelled."""

    order: Code
    reason: Word = ""


class RefundedLine(Struct, forbid_unknown_fields=True):
    """So many units, or so much cash, of one line; just one of the two."""

    line: Annotated[str, Meta(min_length=1, max_length=40)]
    quantity: Quantity | None = None
    cash: Amount | None = None


class OrderRefunded(Struct, forbid_unknown_fields=True):
    """order.refunded. `cash` is what the shop is about to pay back; exchanges pay nothing back."""

    order: Code
    refund: Code
    reason: Literal["no_reason", "defect", "seller_fault", "refused", "price_protection", "exchange", "chargeback"]
    lines: Annotated[list[RefundedLine], Meta(min_length=1, max_length=1000)]
    cash: Amount = 0


class ReviewApproved(Struct, forbid_unknown_fields=True):
    """review.approved."""

    review: Code
    order: Code
    line: Annotated[str, Meta(min_length=1, max_length=40)]
    photos: Annotated[int, Meta(ge=0, le=1000)] = 0


class ReviewLiked(Struct, forbid_unknown_fields=True):
    """review.liked: the subject is the review's author, `by` the external id of who liked it."""

    review: Code
    by: Code
    device: Word = ""


class ReviewRemoved(Struct, forbid_unknown_fields=True):
    """review.removed: what it earned is taken back. `invalid`: copied, empty or reported; such ones are counted (E41)."""

    review: Code
    reason: Literal["deleted", "invalid"] = "deleted"


class DeliveryRefused(Struct, forbid_unknown_fields=True):
    """delivery.refused."""

    order: Code


class ActivityDone(Struct, forbid_unknown_fields=True):
    """member.logged_in, member.checked_in and member.shared; an automatic log-in does not count (E30)."""

    channel: Channel = ""
    manual: bool = True
