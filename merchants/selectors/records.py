"""What this floor keeps about a member (members/selectors/records.py)."""

from __future__ import annotations

from members.selectors.records import Record
from merchants.models import (
    BrandMember,
    CampaignGrant,
    Card,
    CardEntry,
    CardEvent,
    CardOrder,
    CategoryBuyer,
    InsightAccess,
    MerchantCampaign,
    Message,
    OfferShown,
    Rebate,
)

_STAFFS_NAME = "names one of a merchant's staff"

RECORDS = (
    # Before the cards, because they name them.
    Record("brand_memberships", BrandMember, "card__member", deleted=True, hidden={"phone_digest": "says nothing"}),
    Record("cards", Card, erased={"external_card": ""}),
    Record("card_entries", CardEntry, "card__member"),
    Record("card_events", CardEvent, "card__member", erased={"before": "", "after": ""}),
    Record("card_orders", CardOrder, "card__member"),
    Record("merchants_gifts", CampaignGrant, "card__member"),
    Record("insight_looks", InsightAccess, hidden={"staff": _STAFFS_NAME, "staff_label": _STAFFS_NAME}),
    Record("favourite_categories", CategoryBuyer, deleted=True),
    Record("offers_shown", OfferShown, deleted=True),
    Record("rebates", Rebate),
    Record("messages_listed", Message.listed.through, "card__member"),
    Record("campaigns_listed", MerchantCampaign.listed.through, "card__member"),
)
