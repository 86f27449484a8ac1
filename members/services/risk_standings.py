"""Where a member stands, for the conditions of risk rules: tier and conduct are known a floor above, which says them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from typing import NamedTuple


class Standing(NamedTuple):
    """The code of the tier, and the band of conduct (risk_words.Conduct)."""

    tier: str = ""
    conduct: str = ""


Say = Callable[[Collection[int], dt.datetime], dict[int, Standing]]

_say: Say = lambda member_ids, at: {}  # noqa: E731


def said_by(say: Say) -> None:
    """Called once when the higher app starts (apps.py)."""
    global _say
    _say = say


def of(member_ids: Collection[int], at: dt.datetime) -> dict[int, Standing]:
    """By member; who is unknown above is missing."""
    return _say(member_ids, at) if member_ids else {}
