from .consents import Consent
from .credit import CreditScore
from .identities import Identity
from .members import Member
from .plan_offers import PlanDiscount, PlanOffer
from .plan_purchases import AutoRenewal, PlanPurchase, PlanQuote
from .plans import Plan, Subscription
from .sales_channels import SalesChannel, Voucher, VoucherBatch

__all__ = [
    "AutoRenewal",
    "Consent",
    "CreditScore",
    "Identity",
    "Member",
    "Plan",
    "PlanDiscount",
    "PlanOffer",
    "PlanPurchase",
    "PlanQuote",
    "SalesChannel",
    "Subscription",
    "Voucher",
    "VoucherBatch",
]
