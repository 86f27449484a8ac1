"""Merchants on the operators' site, and the merchants' own site."""

from . import campaigns, insights, merchants, packs, portal, prices, purchases, purses, rebates, settlements

__all__ = [
    "campaigns",
    "insights",
    "merchants",
    "packs",
    "portal",
    "prices",
    "purchases",
    "purses",
    "rebates",
    "settlements",
]
