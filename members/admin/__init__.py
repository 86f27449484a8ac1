"""Members on the operators' site."""

from . import (
    consents,
    credit,
    looks,
    members,
    plan_offers,
    plans,
    risk_appeals,
    risk_listings,
    risk_refusals,
    risk_rules,
    safeguards,
    sales_channels,
)

__all__ = [
    "consents",
    "credit",
    "looks",
    "members",
    "plan_offers",
    "plans",
    "risk_appeals",
    "risk_listings",
    "risk_refusals",
    "risk_rules",
    "safeguards",
    "sales_channels",
]
