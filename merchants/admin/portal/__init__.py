"""The pages of the merchants' own site, each scoped to the merchant of whoever is signed in."""

from . import campaigns, messages, segments, staff

__all__ = ["campaigns", "messages", "segments", "staff"]
