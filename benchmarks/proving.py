"""What the nightly proof costs: every invariant over the large world, after a night's expiry."""

from __future__ import annotations

import time

from benchmarks import databases, worlds
from loyalty.services import expiring, invariants, proof


def measure(server: str, database: str) -> dict[str, float]:
    """Seconds by invariant on a fresh copy of `database`; fails if one does not hold."""
    with databases.clone(server, database):
        expiring.expire(worlds.NOW, worlds.NOW)
        return {invariant.name: _seconds(invariant) for invariant in invariants.ALL}


def _seconds(invariant: invariants.Invariant) -> float:
    started = time.perf_counter()
    finding = proof.check(invariant)
    if finding.offenders:
        raise RuntimeError(f"{invariant.name}: {finding.sample[0]}")
    return time.perf_counter() - started
