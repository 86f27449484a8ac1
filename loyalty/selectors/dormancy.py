"""What becomes of a member who stops buying, on a ladder with fixed deductions (domain.md F3)."""

from __future__ import annotations

from collections.abc import Sequence

from loyalty.models import Rung, Tier


def path(rungs: Sequence[Rung], *, soft_landing: bool = False) -> list[tuple[Tier, int | None]]:
    """The tiers that a sleeper passes from the top rung's threshold down, each with its months; None = for ever.

    JD's ladder keeps the sleeper of 30,000 one year in diamond, three in gold, seven in silver: eleven to bronze.
    """
    ladder = sorted(rungs, key=lambda rung: rung.tier.rank)
    if not ladder:
        return []
    place, growth = len(ladder) - 1, ladder[-1].threshold
    stays: list[tuple[Tier, int | None]] = []
    while True:
        rung, below, months = ladder[place], place, 0
        moves = rung.validity_months is not None
        while below == place and moves:
            months += rung.validity_months or 0
            growth = max(0, growth - rung.deduction)
            below = min(place, max(_reached(ladder, growth), place - 1 if soft_landing else 0))
            moves = bool(rung.deduction and growth)
        if below == place:
            return [*stays, (rung.tier, None)]
        stays.append((rung.tier, months))
        place = below


def _reached(ladder: Sequence[Rung], growth: int) -> int:
    """The highest rung that so much growth reaches."""
    return max((place for place, rung in enumerate(ladder) if rung.threshold <= growth), default=0)
