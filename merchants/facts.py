"""What this floor publishes: small, frozen, past tense. `key` is the member's external id, or the merchant's code for a purse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class CardOpened:
    """A member joined a club, or came back to it (`returned`); `club` is its uuid, `merchant` and `store` are codes."""

    topic: ClassVar[str] = "card.opened"
    key: str
    merchant: str
    club: str
    store: str
    channel: str
    returned: bool


@dataclass(frozen=True, slots=True)
class CardLeft:
    topic: ClassVar[str] = "card.left"
    key: str
    merchant: str
    club: str


@dataclass(frozen=True, slots=True)
class CardLevelChanged:
    """A card came to another level; levels by number, 1 is the lowest."""

    topic: ClassVar[str] = "card.level_changed"
    key: str
    merchant: str
    club: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class PurchaseSubmitted:
    """A merchant wants to buy points; the platform waits for the payment. Money in minor units."""

    topic: ClassVar[str] = "purchase.submitted"
    key: str
    purchase: str
    points: int
    total: int


@dataclass(frozen=True, slots=True)
class PurchaseCredited:
    """The payment was approved and the points are in the purse."""

    topic: ClassVar[str] = "purchase.credited"
    key: str
    purchase: str
    points: int


@dataclass(frozen=True, slots=True)
class PurchaseRefunded:
    """Points that were not given were paid back. Money in minor units."""

    topic: ClassVar[str] = "purchase.refunded"
    key: str
    purchase: str
    points: int
    money: int


@dataclass(frozen=True, slots=True)
class SettlementClosed:
    """A month's settlement is final; `key` is the month, as 2026-11."""

    topic: ClassVar[str] = "settlement.closed"
    key: str


@dataclass(frozen=True, slots=True)
class PurseLow:
    """A merchant's purse fell below its mark; told once until it has been filled."""

    topic: ClassVar[str] = "purse.low"
    key: str
    available: int
    low_at: int


@dataclass(frozen=True, slots=True)
class MerchantCampaignStarted:
    """A merchant's campaign began: its budget left the purse. `key` is the merchant's code."""

    topic: ClassVar[str] = "merchant_campaign.started"
    key: str
    campaign: str
    club: str
    budget: int


@dataclass(frozen=True, slots=True)
class MerchantCampaignShort:
    """A gift found too little left in the budget: whether the campaign is used up is looked into (campaigns.check)."""

    topic: ClassVar[str] = "merchant_campaign.short"
    key: str
    campaign: str


@dataclass(frozen=True, slots=True)
class MerchantCampaignEmpty:
    """The budget does not even hold the smallest gift any more; the campaign is over and the rest went back."""

    topic: ClassVar[str] = "merchant_campaign.empty"
    key: str
    campaign: str
    released: int


@dataclass(frozen=True, slots=True)
class MerchantCampaignEnded:
    """A campaign came to its end, or was stopped before it; the rest went back to the purse."""

    topic: ClassVar[str] = "merchant_campaign.ended"
    key: str
    campaign: str
    stopped: bool
    released: int


@dataclass(frozen=True, slots=True)
class MerchantMessage:
    """A merchant's words for one member who agreed to be contacted; `key` is the member's external id."""

    topic: ClassVar[str] = "merchant.message"
    key: str
    merchant: str
    club: str
    message: str
    title: str
    text: str
