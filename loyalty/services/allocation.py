"""Sharing whole amounts out over lines without losing or inventing a unit (domain.md F10)."""

from __future__ import annotations

from collections.abc import Sequence


def largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    """Share `total` in proportion to `weights` (Hamilton's method); the shares sum to `total` exactly.

    Units left by rounding down go to the largest remainders, first line first on a tie. No weight: all to the first.
    """
    if not weights:
        return []
    whole = sum(weights)
    if not whole:
        return [total] + [0] * (len(weights) - 1)
    shares = [total * weight // whole for weight in weights]
    left = total - sum(shares)
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_remainder[:left]:
        shares[i] += 1
    return shares


def cumulative(total: int, part: int, whole: int, already: int) -> int:
    """What is due of `total` once `part` of `whole` has been given back in all, less what was `already` given.

    Rounded down on the way; the last part closes to the total (F10, cumulative method).
    """
    return total * part // whole - already if whole else total - already
