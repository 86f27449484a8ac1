from .allowances import PER_YEAR, Allowance, Period, Window
from .benefits import Benefit, Parameter
from .birthdays import BirthdayPack
from .budgets import BenefitBudget
from .bundles import Bundle, BundleItem
from .codes import Code
from .grants import BenefitGrant
from .instant_refunds import Exposure, ExposureEntry, InstantRefund
from .member_grants import MemberGrant
from .partners import Partner, Settlement
from .prices import RewardPrice
from .quotas import Quota, QuotaEntry
from .redemptions import Redemption, RedemptionEvent
from .rewards import Reward
from .uses import BenefitUse

__all__ = [
    "PER_YEAR",
    "Allowance",
    "Benefit",
    "BenefitBudget",
    "BenefitGrant",
    "BenefitUse",
    "BirthdayPack",
    "Bundle",
    "BundleItem",
    "Code",
    "Exposure",
    "ExposureEntry",
    "InstantRefund",
    "MemberGrant",
    "Parameter",
    "Partner",
    "Period",
    "Quota",
    "QuotaEntry",
    "Redemption",
    "RedemptionEvent",
    "Reward",
    "RewardPrice",
    "Settlement",
    "Window",
]
