from .accounts import Account
from .activities import Activity, DeliveryRefusal
from .adjustments import Adjustment
from .campaigns import Campaign
from .changed_days import ChangedDay
from .editions import Edition
from .entries import Entry
from .event_types import CustomEventType
from .growth import GrowthEntry, GrowthPolicy
from .holds import Hold, HoldLine
from .ladders import Ladder, Rung
from .lots import Draw, Lot
from .orders import Order, OrderLine, ParkedEvent
from .products import ProductTally
from .programme import Expiry, Programme
from .proofs import Proof
from .refunds import Refund, RefundLine
from .reviews import Review, ReviewLike
from .rules import CapCounter, EarningRule, EarningRuleVersion, RuleCondition
from .segments import Segment
from .shortfalls import Shortfall
from .standings import Standing, TierChange
from .tiers import Tier
from .transfers import Transfer
from .wallets import Wallet

__all__ = [
    "Account",
    "Activity",
    "Adjustment",
    "Campaign",
    "CapCounter",
    "ChangedDay",
    "CustomEventType",
    "DeliveryRefusal",
    "Draw",
    "EarningRule",
    "EarningRuleVersion",
    "Edition",
    "Entry",
    "Expiry",
    "GrowthEntry",
    "GrowthPolicy",
    "Hold",
    "HoldLine",
    "Ladder",
    "Lot",
    "Order",
    "OrderLine",
    "ParkedEvent",
    "ProductTally",
    "Programme",
    "Proof",
    "Refund",
    "RefundLine",
    "Review",
    "ReviewLike",
    "RuleCondition",
    "Rung",
    "Segment",
    "Shortfall",
    "Standing",
    "Tier",
    "TierChange",
    "Transfer",
    "Wallet",
]
