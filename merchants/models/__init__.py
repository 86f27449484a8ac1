from .audiences import Audience, Reach
from .brands import Brand
from .campaigns import CampaignGrant, MerchantCampaign
from .card_orders import CardOrder
from .cards import Card, CardEntry, CardEvent
from .clubs import Club, ClubStore
from .insights import InsightAccess, InsightReport
from .levels import Level, LevelScheme
from .links import BrandMember
from .merchants import Deed, Merchant, StaffRole
from .messages import Message
from .price_ladders import PriceLadder, PriceStep
from .prices import MemberPrice
from .prospects import CategoryBuyer, OfferShown, ProspectCount, ProspectOffer
from .purchases import PointPack, PointPurchase, PointTariff, PurchaseStep
from .purses import Pocket, Purse
from .rebates import Rebate, RebateScheme, RebateStep
from .segments import CardSegment
from .settlements import Settlement, SettlementCell
from .stores import Store, UnknownStore

__all__ = [
    "Audience",
    "Brand",
    "BrandMember",
    "CampaignGrant",
    "Card",
    "CardEntry",
    "CardEvent",
    "CardOrder",
    "CardSegment",
    "CategoryBuyer",
    "Club",
    "ClubStore",
    "Deed",
    "InsightAccess",
    "InsightReport",
    "Level",
    "LevelScheme",
    "MemberPrice",
    "Merchant",
    "MerchantCampaign",
    "Message",
    "OfferShown",
    "Pocket",
    "PointPack",
    "PointPurchase",
    "PointTariff",
    "PriceLadder",
    "PriceStep",
    "ProspectCount",
    "ProspectOffer",
    "PurchaseStep",
    "Purse",
    "Reach",
    "Rebate",
    "RebateScheme",
    "RebateStep",
    "Settlement",
    "SettlementCell",
    "StaffRole",
    "Store",
    "UnknownStore",
]
