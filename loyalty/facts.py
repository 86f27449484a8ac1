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
class OrderCancelled:
    """An order was cancelled as a whole: also one that was never paid, so that nothing else is known of it."""

    topic: ClassVar[str] = "order.cancelled"
    key: str
    order: str
    at: str


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
class PointsQuarantined:
    """Points were set aside while somebody looks into them; `state` is open, released or reversed."""

    topic: ClassVar[str] = "points.quarantined"
    key: str
    points: int
    case: str
    state: str


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


@dataclass(frozen=True, slots=True)
class TierChanged:
    """A member came to another tier; `until` is the next review, None if there is none."""

    topic: ClassVar[str] = "tier.changed"
    key: str
    before: str | None
    after: str | None
    reason: str
    growth: int
    until: str | None


@dataclass(frozen=True, slots=True)
class TierWillDowngrade:
    """A warning: as things stand, the review on the day `on` takes the tier (domain.md S2-38)."""

    topic: ClassVar[str] = "tier.will_downgrade"
    key: str
    tier: str
    on: str
    growth: int
    deduction: int
    missing: int


@dataclass(frozen=True, slots=True)
class MedalAwarded:
    """A member came to a higher level of a medal; levels by number, 0 = none."""

    topic: ClassVar[str] = "medal.awarded"
    key: str
    medal: str
    before: int
    after: int
    score: int


@dataclass(frozen=True, slots=True)
class MedalLost:
    """A member came to a lower level of a medal; levels by number, 0 = none."""

    topic: ClassVar[str] = "medal.lost"
    key: str
    medal: str
    before: int
    after: int
    score: int


@dataclass(frozen=True, slots=True)
class CoefficientChanged:
    """The member's growth counts by another coefficient from now on, in per cent."""

    topic: ClassVar[str] = "coefficient.changed"
    key: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class LifecycleChanged:
    """A member came to another stage of the life cycle: prospect, new, active, at_risk, lapsed, returning."""

    topic: ClassVar[str] = "lifecycle.changed"
    key: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class SegmentEntered:
    """Only of segments that are set to tell; `segment` is its code."""

    topic: ClassVar[str] = "segment.entered"
    key: str
    segment: str


@dataclass(frozen=True, slots=True)
class SegmentLeft:
    """Only of segments that are set to tell; `segment` is its code."""

    topic: ClassVar[str] = "segment.left"
    key: str
    segment: str


@dataclass(frozen=True, slots=True)
class ScoreSettled:
    """The value score of a month, given by its first day, is another than that of the month before; None = none yet."""

    topic: ClassVar[str] = "score.settled"
    key: str
    month: str
    before: int | None
    after: int


@dataclass(frozen=True, slots=True)
class ScoreThresholdCrossed:
    """A settled score now meets a named threshold (`reached`), or does not meet it any more."""

    topic: ClassVar[str] = "score.threshold_crossed"
    key: str
    threshold: str
    reached: bool
    score: int


@dataclass(frozen=True, slots=True)
class CampaignStarted:
    """A gift campaign was started; `key` is its code."""

    topic: ClassVar[str] = "campaign.started"
    key: str
    name: str
    trigger: str


@dataclass(frozen=True, slots=True)
class CampaignMemberTargeted:
    """A gift campaign has reached a member: time to write to her. Of members who are held out nothing is told.

    `points` may be 0; `until` is their last day.
    """

    topic: ClassVar[str] = "campaign.member_targeted"
    key: str
    campaign: str
    name: str
    trigger: str
    occasion: str
    points: int
    until: str | None


@dataclass(frozen=True, slots=True)
class CampaignEnded:
    """A gift campaign gives nothing more; `key` is its code, `how` is ended, stopped or empty, `points` what it has given."""

    topic: ClassVar[str] = "campaign.ended"
    key: str
    how: str
    points: int


@dataclass(frozen=True, slots=True)
class CampaignUndone:
    """What a campaign had granted was taken back as `policy` says (unspent, debt, mark); `key` is its code."""

    topic: ClassVar[str] = "campaign.undone"
    key: str
    policy: str
    points: int
    debt: int
