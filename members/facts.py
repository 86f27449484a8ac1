"""What this floor publishes. Payloads name members by the shop's own id and carry no personal data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class MemberRegistered:
    topic: ClassVar[str] = "member.registered"
    key: str
    external_id: str
    registered_at: str


@dataclass(frozen=True, slots=True)
class MemberUpdated:
    """`changed` names the fields of the profile; what they say is read, not broadcast."""

    topic: ClassVar[str] = "member.updated"
    key: str
    external_id: str
    changed: list[str]


@dataclass(frozen=True, slots=True)
class CreditUpdated:
    """A credit score was said of the member, as of an instant; what it says is read, not broadcast (domain.md E49)."""

    topic: ClassVar[str] = "member.credit_updated"
    key: str
    external_id: str
    scored_at: str


@dataclass(frozen=True, slots=True)
class MemberClosed:
    topic: ClassVar[str] = "member.closed"
    key: str
    external_id: str
    closed_at: str


@dataclass(frozen=True, slots=True)
class MemberMerged:
    topic: ClassVar[str] = "member.merged"
    key: str
    source: str
    target: str
    merged_at: str


@dataclass(frozen=True, slots=True)
class MemberUnmerged:
    topic: ClassVar[str] = "member.unmerged"
    key: str
    source: str
    target: str
    unmerged_at: str


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """`recipient` is a merchant's code; empty means the programme itself."""

    topic: ClassVar[str] = "consent.given"
    key: str
    purpose: str
    recipient: str


@dataclass(frozen=True, slots=True)
class ConsentWithdrawn:
    topic: ClassVar[str] = "consent.withdrawn"
    key: str
    purpose: str
    recipient: str


@dataclass(frozen=True, slots=True)
class PlanBought:
    """A term of a plan was paid, tried or redeemed; `kind` is trial, sale, voucher or renewal; money in minor units."""

    topic: ClassVar[str] = "plan.bought"
    key: str
    purchase: str
    offer: str
    plan: str
    kind: str
    channel: str
    price: int
    starts_at: str
    ends_at: str


@dataclass(frozen=True, slots=True)
class PlanRefunded:
    """So much goes back, `to` the member or the channel through which the member had paid."""

    topic: ClassVar[str] = "plan.refunded"
    key: str
    purchase: str
    offer: str
    refund: int
    to: str


@dataclass(frozen=True, slots=True)
class PlanRenewalDue:
    """A member who agreed to renewal: the term ends at `ends_at`; charge the fee then, or hear that she stopped it."""

    topic: ClassVar[str] = "plan.renewal_due"
    key: str
    offer: str
    ends_at: str
    fee: int


@dataclass(frozen=True, slots=True)
class RiskMet:
    """A risk rule or the deny-list refused an action, blocked the member (`block`), or asks for a look (`review`)."""

    topic: ClassVar[str] = "risk.met"
    key: str
    refusal: str
    action: str
    rule: str
    outcome: str
    reference: str
    at: str


@dataclass(frozen=True, slots=True)
class RiskAppealDecided:
    """A person decided what a member had contested: `upheld` or `dismissed`."""

    topic: ClassVar[str] = "risk.appeal_decided"
    key: str
    refusal: str
    status: str
