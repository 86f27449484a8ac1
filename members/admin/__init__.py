"""Members on the operators' site."""

from . import credit, members, plans

__all__ = ["credit", "members", "plans"]
