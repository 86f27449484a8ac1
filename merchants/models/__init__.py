from .brands import Brand
from .cards import Card, CardEntry, CardEvent
from .clubs import Club, ClubStore
from .levels import Level, LevelScheme
from .merchants import Deed, Merchant, StaffRole
from .purses import Purse
from .stores import Store, UnknownStore

__all__ = [
    "Brand",
    "Card",
    "CardEntry",
    "CardEvent",
    "Club",
    "ClubStore",
    "Deed",
    "Level",
    "LevelScheme",
    "Merchant",
    "Purse",
    "StaffRole",
    "Store",
    "UnknownStore",
]
