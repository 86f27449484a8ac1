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
    place = len(ladder) - 1
    growth = ladder[place].threshold
    stays: list[tuple[Tier, int | None]] = []
    while True:
        rung, months = ladder[place], 0
        while growth and rung.deduction and rung.validity_months and ladder[place] is rung:
            months += rung.validity_months
            growth = max(0, growth - rung.deduction)
            place = _place(ladder, growth, place - 1 if soft_landing else 0)
        if ladder[place] is rung:
            return [*stays, (rung.tier, None)]
        stays.append((rung.tier, months))


def _place(ladder: Sequence[Rung], growth: int, least: int) -> int:
    """The highest rung that the growth reaches, not below `least`."""
    reached = [number for number, rung in enumerate(ladder) if rung.threshold <= growth]
    return max(reached[-1] if reached else 0, least)
