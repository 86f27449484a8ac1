"""The ledger's invariants, asked after what a test did."""

from __future__ import annotations

from collections.abc import Sequence

from loyalty.services import invariants, proof
from loyalty.services.invariants import Invariant


def assert_proven(asked: Sequence[Invariant] = invariants.ALL) -> None:
    """Every invariant holds, or the test says which one does not, and where."""
    findings = {invariant.name: proof.check(invariant) for invariant in asked}
    broken = {name: finding.sample for name, finding in findings.items() if finding.offenders}
    assert not broken, broken
