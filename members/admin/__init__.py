"""Members on the operators' site."""

from . import (
    consents,
    credit,
    jobs,
    looks,
    members,
    plans,
    risk_appeals,
    risk_listings,
    risk_refusals,
    risk_rules,
    safeguards,
    sales_channels,
    vouchers,
)

__all__ = [
    "consents",
    "credit",
    "jobs",
    "looks",
    "members",
    "plans",
    "risk_appeals",
    "risk_listings",
    "risk_refusals",
    "risk_rules",
    "safeguards",
    "sales_channels",
    "vouchers",
]
