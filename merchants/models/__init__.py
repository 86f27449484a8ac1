from .merchants import Merchant, StaffRole
from .stores import Store

__all__ = ["Merchant", "StaffRole", "Store"]
