"""Merchants on the operators' site, and the merchants' own site."""

from . import merchants

__all__ = ["merchants"]
