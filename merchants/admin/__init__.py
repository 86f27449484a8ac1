"""Merchants on the operators' site, and the merchants' own site."""

from . import merchants, portal

__all__ = ["merchants", "portal"]
