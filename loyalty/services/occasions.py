"""What earning rules are told of an event: plain data, no database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Item:
    """One line as the rules see it. `cash` is what was (or is still) paid in money for the whole line."""

    number: str = ""
    sku: str = ""
    category: str = ""
    store: str = ""
    quantity: int = 1
    cash: int = 0
    virtual: bool = False
    new_category: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Facts:
    """What is known of the member at that moment; kept with the order, so that a refund re-tests the same facts."""

    tier: str = ""
    plans: Sequence[str] = ()
    segments: Sequence[str] = ()
    kind: str = "person"
    attributes: dict[str, Any] = field(default_factory=dict)
    first_order: bool = False
    new_categories: Sequence[str] = ()
    streak: int = 0
    manual: bool = True
    photos: int = 0
    refusals_month: int = 0
    refusals_year: int = 0


@dataclass(slots=True)
class Occasion:
    """One event that may earn: `at` is when it happened, `local` the same on the programme's wall clock."""

    type: str
    at: dt.datetime
    local: dt.datetime
    facts: Facts = field(default_factory=Facts)
    channel: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
