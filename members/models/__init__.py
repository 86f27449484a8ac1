from .credit import CreditScore
from .members import Member
from .plans import Plan, Subscription

__all__ = ["CreditScore", "Member", "Plan", "Subscription"]
