"""Rewards and games on the operators' site."""

from . import game_versions, games, plays, prize_claims, seeds

__all__ = ["game_versions", "games", "plays", "prize_claims", "seeds"]
