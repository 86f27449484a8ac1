"""Members on the operators' site."""

from . import (
    consents,
    credit,
    members,
    plan_offers,
    plans,
    sales_channels,
)

__all__ = [
    "consents",
    "credit",
    "members",
    "plan_offers",
    "plans",
    "sales_channels",
]
