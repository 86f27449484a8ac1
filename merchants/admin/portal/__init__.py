"""The pages of the merchants' own site, each scoped to the merchant of whoever is signed in."""

from . import (
    campaigns,
    cards,
    clubs,
    insights,
    levels,
    links,
    messages,
    price_ladders,
    prices,
    prospects,
    purchases,
    purses,
    rebates,
    segments,
    staff,
)

__all__ = [
    "campaigns",
    "cards",
    "clubs",
    "insights",
    "levels",
    "links",
    "messages",
    "price_ladders",
    "prices",
    "prospects",
    "purchases",
    "purses",
    "rebates",
    "segments",
    "staff",
]
