"""What higher floors call the causes and funders that the ledger only names.

The ledger says "merchant:acme/…" and an account; a higher floor, which knows more, registers how that reads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

Namer = Callable[[Collection[str]], dict[str, str]]
FunderNamer = Callable[[Collection[int]], dict[int, str]]

_namers: dict[str, Namer] = {}
_funder_namers: list[FunderNamer] = []


def name_references(kind: str, namer: Namer) -> None:
    """Let `namer` say in words what references of a kind ("merchant:…") mean; called from apps.py."""
    _namers[kind] = namer


def name_funders(namer: FunderNamer) -> None:
    """Let `namer` say who stands behind funders' accounts; called from apps.py."""
    _funder_namers.append(namer)


def of(references: Iterable[str]) -> dict[str, str]:
    """The references that somebody can say in words, for a whole page at once; those nobody can are missing."""
    by_kind: dict[str, set[str]] = {}
    for reference in references:
        by_kind.setdefault(reference.partition(":")[0], set()).add(reference)
    said: dict[str, str] = {}
    for kind in by_kind.keys() & _namers.keys():
        said |= _namers[kind](by_kind[kind])
    return said


def funders(account_ids: Iterable[int | None]) -> dict[int, str]:
    """Who stands behind funders' accounts, for a whole page at once."""
    wanted = {account_id for account_id in account_ids if account_id}
    said: dict[int, str] = {}
    for namer in _funder_namers if wanted else []:
        said |= namer(wanted)
    return said
