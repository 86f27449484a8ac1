"""What this floor publishes: small, frozen, past tense. `key` is the member's external id. Codes never travel in facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class RewardRedeemed:
    """Points (and cash, in minor units) were paid for a reward."""

    topic: ClassVar[str] = "reward.redeemed"
    key: str
    redemption: str
    reward: str
    kind: str
    points: int
    cash: int


@dataclass(frozen=True, slots=True)
class RewardGiven:
    """A reward was given for no points: in a pack of a benefit, or as a prize; `because` says so."""

    topic: ClassVar[str] = "reward.given"
    key: str
    redemption: str
    reward: str
    kind: str
    because: str


@dataclass(frozen=True, slots=True)
class RedemptionHeld:
    """A reward waits for its cash part (minor units) until `until`."""

    topic: ClassVar[str] = "redemption.held"
    key: str
    redemption: str
    reward: str
    points: int
    cash: int
    until: str


@dataclass(frozen=True, slots=True)
class RedemptionFulfilled:
    """A gift is being packed or is on its way: `status` says which."""

    topic: ClassVar[str] = "redemption.fulfilled"
    key: str
    redemption: str
    reward: str
    status: str
    tracking: str


@dataclass(frozen=True, slots=True)
class RedemptionDelivered:
    topic: ClassVar[str] = "redemption.delivered"
    key: str
    redemption: str
    reward: str
    until: str | None


@dataclass(frozen=True, slots=True)
class RedemptionUsed:
    topic: ClassVar[str] = "redemption.used"
    key: str
    redemption: str
    reward: str


@dataclass(frozen=True, slots=True)
class RedemptionReinstated:
    """The order it was used for was cancelled as a whole: it is good again."""

    topic: ClassVar[str] = "redemption.reinstated"
    key: str
    redemption: str
    reward: str
    until: str | None


@dataclass(frozen=True, slots=True)
class RedemptionExpired:
    topic: ClassVar[str] = "redemption.expired"
    key: str
    redemption: str
    reward: str


@dataclass(frozen=True, slots=True)
class RedemptionCancelled:
    """So many points came back, so many had expired meanwhile. `reason` is as somebody wrote it, or unpaid, or member_left."""

    topic: ClassVar[str] = "redemption.cancelled"
    key: str
    redemption: str
    reward: str
    restored: int
    not_restored: int
    reason: str


@dataclass(frozen=True, slots=True)
class RedemptionReturned:
    """What was handed out came back unused. So many points came back, so many had expired meanwhile."""

    topic: ClassVar[str] = "redemption.returned"
    key: str
    redemption: str
    reward: str
    restored: int
    not_restored: int
    reason: str


@dataclass(frozen=True, slots=True)
class PlanRightClaimed:
    """A partner's right that came with a plan was claimed; good until `until`, None = no end of ours."""

    topic: ClassVar[str] = "plan_right.claimed"
    key: str
    claim: str
    purchase: str
    reward: str
    until: str | None


@dataclass(frozen=True, slots=True)
class GamePlayed:
    """A stake was taken; `prize` is the name of what it won at once, or empty."""

    topic: ClassVar[str] = "game.played"
    key: str
    game: str
    play: str
    stake: int
    prize: str
    at: str


@dataclass(frozen=True, slots=True)
class PrizeWon:
    """At a play or in a lottery's draw; `points` for prizes in points, `value` in minor units."""

    topic: ClassVar[str] = "game.prize_won"
    key: str
    game: str
    play: str
    prize: str
    kind: str
    points: int
    value: int
    at: str


@dataclass(frozen=True, slots=True)
class LotteryDrawn:
    """`key` is the game's code. Called off: fewer tickets than promised were sold, and the stakes go back."""

    topic: ClassVar[str] = "game.lottery_drawn"
    key: str
    version: int
    tickets: int
    winners: int
    called_off: bool
    at: str


@dataclass(frozen=True, slots=True)
class BenefitUsed:
    """A member used a benefit; `left` is what is left of the quota, None if there is none."""

    topic: ClassVar[str] = "benefit.used"
    key: str
    benefit: str
    use: str
    store: str
    order: str
    left: int | None


@dataclass(frozen=True, slots=True)
class PackOpened:
    """A benefit's pack of a period; each of its rewards is told by `reward.given` once there is one."""

    topic: ClassVar[str] = "benefit.pack_opened"
    key: str
    benefit: str
    use: str
    period: str
    rewards: list[str]


@dataclass(frozen=True, slots=True)
class BenefitGivenBack:
    topic: ClassVar[str] = "benefit.given_back"
    key: str
    benefit: str
    use: str


@dataclass(frozen=True, slots=True)
class BenefitGiven:
    """A benefit was given to this member alone, until an instant."""

    topic: ClassVar[str] = "benefit.given"
    key: str
    benefit: str
    until: str


@dataclass(frozen=True, slots=True)
class BenefitTakenBack:
    topic: ClassVar[str] = "benefit.taken_back"
    key: str
    benefit: str


@dataclass(frozen=True, slots=True)
class BirthdayPackIssued:
    topic: ClassVar[str] = "birthday.pack_issued"
    key: str
    birthday: str
    points: int
    benefits: list[str]
    valid_until: str


@dataclass(frozen=True, slots=True)
class InstantRefundOpened:
    """Money (minor units) was paid back before the goods came; they are due at `due_at`."""

    topic: ClassVar[str] = "instant_refund.opened"
    key: str
    refund: str
    order: str
    amount: int
    due_at: str


@dataclass(frozen=True, slots=True)
class InstantRefundReceived:
    topic: ClassVar[str] = "instant_refund.received"
    key: str
    refund: str
    order: str


@dataclass(frozen=True, slots=True)
class InstantRefundRecovered:
    """The goods did not come: so many points were taken, and so many are owed."""

    topic: ClassVar[str] = "instant_refund.recovered"
    key: str
    refund: str
    order: str
    points: int
    debt: int
