"""Members on the operators' site."""

from . import credit, members, plan_offers, plans, sales_channels

__all__ = ["credit", "members", "plan_offers", "plans", "sales_channels"]
