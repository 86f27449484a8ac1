from .accounts import Account
from .activities import Activity, DeliveryRefusal
from .adjustments import Adjustment
from .breaches import Breach
from .campaign_undos import CampaignUndo, UndoneLot
from .campaigns import Campaign
from .changed_days import ChangedDay
from .conduct import Coefficient, CoefficientBand, CoefficientPolicy, Conduct, ConductCase, ExcusedLine
from .conduct_ratings import ConductRating
from .editions import Edition
from .entries import Entry
from .event_types import CustomEventType
from .gift_campaigns import GiftAmount, GiftAssignment, GiftCampaign
from .growth import GrowthEntry, GrowthPolicy
from .holds import Hold, HoldLine
from .ladders import Ladder, Rung, TierCut
from .lifecycle import Lifecycle, LifecyclePolicy
from .lots import Draw, Lot
from .medal_standings import MedalAward, MedalCut, MedalDisplay, MedalStanding
from .medals import Medal, MedalCategory, MedalLevel
from .member_stats import MemberStats, Quintiles
from .orders import Order, OrderLine, ParkedEvent
from .products import ProductTally
from .programme import Expiry, Programme
from .proofs import Proof
from .pyramid import PyramidDay
from .quarantines import Quarantine, QuarantinedHold
from .refunds import Refund, RefundLine
from .reviews import Review, ReviewLike
from .rules import CapCounter, EarningRule, EarningRuleVersion, RuleCondition
from .score_buckets import ScoreBucket
from .score_policies import CurvePoint, Dimension, ScoreDimension, ScorePolicy, ScoreSource
from .scores import MemberState, Score, ScoreRestatement, ScoreSnapshot, ScoreThreshold
from .segments import Segment, SegmentCondition, SegmentMember, SegmentSize
from .shortfalls import Shortfall
from .standings import Standing, TierChange
from .tiers import Tier
from .transfers import Transfer
from .wallets import Wallet

__all__ = [
    "Account",
    "Activity",
    "Adjustment",
    "Breach",
    "Campaign",
    "CampaignUndo",
    "CapCounter",
    "ChangedDay",
    "Coefficient",
    "CoefficientBand",
    "CoefficientPolicy",
    "Conduct",
    "ConductCase",
    "ConductRating",
    "CurvePoint",
    "CustomEventType",
    "DeliveryRefusal",
    "Dimension",
    "Draw",
    "EarningRule",
    "EarningRuleVersion",
    "Edition",
    "Entry",
    "ExcusedLine",
    "Expiry",
    "GiftAmount",
    "GiftAssignment",
    "GiftCampaign",
    "GrowthEntry",
    "GrowthPolicy",
    "Hold",
    "HoldLine",
    "Ladder",
    "Lifecycle",
    "LifecyclePolicy",
    "Lot",
    "Medal",
    "MedalAward",
    "MedalCategory",
    "MedalCut",
    "MedalDisplay",
    "MedalLevel",
    "MedalStanding",
    "MemberState",
    "MemberStats",
    "Order",
    "OrderLine",
    "ParkedEvent",
    "ProductTally",
    "Programme",
    "Proof",
    "PyramidDay",
    "Quarantine",
    "QuarantinedHold",
    "Quintiles",
    "Refund",
    "RefundLine",
    "Review",
    "ReviewLike",
    "RuleCondition",
    "Rung",
    "Score",
    "ScoreBucket",
    "ScoreDimension",
    "ScorePolicy",
    "ScoreRestatement",
    "ScoreSnapshot",
    "ScoreSource",
    "ScoreThreshold",
    "Segment",
    "SegmentCondition",
    "SegmentMember",
    "SegmentSize",
    "Shortfall",
    "Standing",
    "Tier",
    "TierChange",
    "TierCut",
    "Transfer",
    "UndoneLot",
    "Wallet",
]
