from .accounts import Account
from .activities import Activity, DeliveryRefusal
from .adjustments import Adjustment
from .campaigns import Campaign
from .entries import Entry
from .event_types import CustomEventType
from .holds import Hold, HoldLine
from .lots import Draw, Lot
from .orders import Order, OrderLine, ParkedEvent
from .programme import Expiry, Programme
from .proofs import Proof
from .refunds import Refund, RefundLine
from .reviews import Review, ReviewLike
from .rules import CapCounter, EarningRule, EarningRuleVersion, RuleCondition
from .segments import Segment
from .shortfalls import Shortfall
from .tiers import Tier
from .transfers import Transfer
from .wallets import Wallet

__all__ = [
    "Account",
    "Activity",
    "Adjustment",
    "Campaign",
    "CapCounter",
    "CustomEventType",
    "DeliveryRefusal",
    "Draw",
    "EarningRule",
    "EarningRuleVersion",
    "Entry",
    "Expiry",
    "Hold",
    "HoldLine",
    "Lot",
    "Order",
    "OrderLine",
    "ParkedEvent",
    "Programme",
    "Proof",
    "Refund",
    "RefundLine",
    "Review",
    "ReviewLike",
    "RuleCondition",
    "Segment",
    "Shortfall",
    "Tier",
    "Transfer",
    "Wallet",
]
