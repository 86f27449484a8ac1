from .consents import Consent
from .credit import CreditScore
from .identities import Identity
from .members import Member
from .plans import Plan, Subscription

__all__ = ["Consent", "CreditScore", "Identity", "Member", "Plan", "Subscription"]
