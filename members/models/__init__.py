from .consents import Consent
from .credit import CreditScore
from .identities import Identity
from .members import Member
from .plan_offers import PlanDiscount, PlanOffer
from .plan_purchases import AutoRenewal, PlanPurchase, PlanQuote
from .plans import Plan, Subscription
from .risk_appeals import RiskAppeal
from .risk_listings import RiskListing
from .risk_refusals import RiskRefusal
from .risk_rules import RiskRule, RiskRuleVersion
from .risk_tallies import RiskTally
from .sales_channels import ChannelKey, SalesChannel
from .tombstones import Tombstone
from .vouchers import Voucher, VoucherBatch

__all__ = [
    "AutoRenewal",
    "ChannelKey",
    "Consent",
    "CreditScore",
    "Identity",
    "Member",
    "Plan",
    "PlanDiscount",
    "PlanOffer",
    "PlanPurchase",
    "PlanQuote",
    "RiskAppeal",
    "RiskListing",
    "RiskRefusal",
    "RiskRule",
    "RiskRuleVersion",
    "RiskTally",
    "SalesChannel",
    "Subscription",
    "Tombstone",
    "Voucher",
    "VoucherBatch",
]
