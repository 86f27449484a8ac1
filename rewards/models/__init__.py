from .allowances import PER_YEAR, Allowance, Period, Window
from .benefits import Benefit, Parameter
from .birthdays import BirthdayPack
from .budgets import BenefitBudget
from .bundles import Bundle, BundleItem
from .codes import Code
from .coupons import CouponTerms
from .games import Game, GameVersion, Prize
from .grants import BenefitGrant
from .instant_refunds import Exposure, ExposureEntry, InstantRefund
from .lotteries import Outcome
from .member_grants import MemberGrant
from .packs import ContentsStandFast, PackGift, PackItem, given_benefits
from .partners import Partner, Settlement
from .plan_rights import PlanRight, RightClaim
from .plays import GameDay, Play
from .prices import RewardPrice
from .prize_claims import PrizeClaim
from .quotas import Quota, QuotaEntry
from .redemptions import Redemption, RedemptionEvent
from .rewards import Reward
from .seeds import SeedPeriod
from .sponsor_payments import SponsorPayment
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
    "ContentsStandFast",
    "CouponTerms",
    "Exposure",
    "ExposureEntry",
    "Game",
    "GameDay",
    "GameVersion",
    "InstantRefund",
    "MemberGrant",
    "Outcome",
    "PackGift",
    "PackItem",
    "Parameter",
    "Partner",
    "Period",
    "PlanRight",
    "Play",
    "Prize",
    "PrizeClaim",
    "Quota",
    "QuotaEntry",
    "Redemption",
    "RedemptionEvent",
    "Reward",
    "RewardPrice",
    "RightClaim",
    "SeedPeriod",
    "Settlement",
    "SponsorPayment",
    "Window",
    "given_benefits",
]
