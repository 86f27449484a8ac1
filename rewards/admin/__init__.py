"""Rewards, benefits and games on the operators' site."""

from . import (
    benefits,
    birthdays,
    budgets,
    bundles,
    game_versions,
    games,
    grants,
    instant_refunds,
    member_grants,
    panels,
    plays,
    prize_claims,
    seeds,
    uses,
)

__all__ = [
    "benefits",
    "birthdays",
    "budgets",
    "bundles",
    "game_versions",
    "games",
    "grants",
    "instant_refunds",
    "member_grants",
    "panels",
    "plays",
    "prize_claims",
    "seeds",
    "uses",
]
