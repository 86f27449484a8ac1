"""The programme, its ledger and its rules on the operators' site."""

from . import (
    accounts,
    activities,
    adjustments,
    campaigns,
    event_types,
    jobs,
    orders,
    panels,
    programme,
    proofs,
    reviews,
    rules,
    segments,
    shortfalls,
    tiers,
    versions,
)

__all__ = [
    "accounts",
    "activities",
    "adjustments",
    "campaigns",
    "event_types",
    "jobs",
    "orders",
    "panels",
    "programme",
    "proofs",
    "reviews",
    "rules",
    "segments",
    "shortfalls",
    "tiers",
    "versions",
]
