from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Invariant:
    """Something that is always true of the ledger. `sql` returns who breaks it, as (kind, key, detail).

    `kind` says what the offender is; the key of an account, entry, lot, draw or hold begins with the account's id.
    Texts in braces are the few expressions in which the databases differ (proof.py).
    """

    name: str
    title: Any
    sql: str
