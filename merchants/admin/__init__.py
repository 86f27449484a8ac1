"""Merchants on the operators' site, and the merchants' own site."""

from . import campaigns, merchants, portal

__all__ = ["campaigns", "merchants", "portal"]
