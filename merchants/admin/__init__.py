"""Merchants on the operators' site, and the merchants' own site."""

from . import campaigns, insights, merchants, portal, prices, rebates

__all__ = ["campaigns", "insights", "merchants", "portal", "prices", "rebates"]
