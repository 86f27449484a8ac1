"""The pages of the merchants' own site, each scoped to the merchant of whoever is signed in."""

from . import staff

__all__ = ["staff"]
