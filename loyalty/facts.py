"""What this floor publishes: small, frozen, past tense. `key` is the member's external id."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class OrderCompleted:
    topic: ClassVar[str] = "order.completed"
    key: str
    order: str
    at: str
    channel: str
    cash: int
    points: int
    lines: list[dict] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class OrderRefunded:
    """Also for a cancelled order: everything that was left of it is refunded."""

    topic: ClassVar[str] = "order.refunded"
    key: str
    order: str
    refund: str
    reason: str
    at: str
    points: dict
    lines: list[dict] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PointsEarned:
    topic: ClassVar[str] = "points.earned"
    key: str
    points: int
    pending: int
    reference: str


@dataclass(frozen=True, slots=True)
class PointsSpent:
    topic: ClassVar[str] = "points.spent"
    key: str
    points: int
    reference: str


@dataclass(frozen=True, slots=True)
class PointsRestored:
    topic: ClassVar[str] = "points.restored"
    key: str
    points: int
    reference: str


@dataclass(frozen=True, slots=True)
class PointsClawedBack:
    topic: ClassVar[str] = "points.clawed_back"
    key: str
    points: int
    debt: int
    reference: str


@dataclass(frozen=True, slots=True)
class PointsExpired:
    topic: ClassVar[str] = "points.expired"
    key: str
    points: int
    reference: str


@dataclass(frozen=True, slots=True)
class PointsExpiring:
    """A reminder: so many points expire on a day that is `days` away."""

    topic: ClassVar[str] = "points.expiring"
    key: str
    points: int
    on: str
    days: int


@dataclass(frozen=True, slots=True)
class PointsExtended:
    """Points whose expiry slides: activity moved it to the end of the day `on`."""

    topic: ClassVar[str] = "points.extended"
    key: str
    points: int
    on: str


@dataclass(frozen=True, slots=True)
class PointsAdjusted:
    topic: ClassVar[str] = "points.adjusted"
    key: str
    points: int
    category: str
    reference: str


@dataclass(frozen=True, slots=True)
class PointsTransferred:
    topic: ClassVar[str] = "points.transferred"
    key: str
    points: int
    to: str
    kind: str
    reference: str


@dataclass(frozen=True, slots=True)
class HoldLapsed:
    topic: ClassVar[str] = "hold.lapsed"
    key: str
    hold: str
    points: int


@dataclass(frozen=True, slots=True)
class ReviewRewarded:
    topic: ClassVar[str] = "review.rewarded"
    key: str
    review: str
    points: int
    likes: int
