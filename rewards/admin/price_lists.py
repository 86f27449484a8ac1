"""The special prices of a reward in one cell of a file: tier:gold=700; plan:plus=500+9.90."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from common.admin.money import MoneyField, typed
from rewards.models import RewardPrice

_PRICE = re.compile(r"(tier|segment|plan):([^\s=;]+) *= *([1-9]\d{0,11})(?: *\+ *([\d.]+))?")


def say(prices: Iterable[RewardPrice]) -> str:
    """For whom and how much, in the order of their names: the same prices read the same."""
    parts = (f"{price.basis}={price.points}" + (f"+{typed(price.cash)}" if price.cash else "") for price in prices)
    return "; ".join(sorted(parts))


def read(text: str, known: dict[str, dict[str, Any]]) -> list[RewardPrice]:
    """The prices, not saved. `known` has tiers, segments and plans by code. Raises ValidationError."""
    found: dict[str, RewardPrice] = {}
    for part in filter(None, map(str.strip, text.split(";"))):
        match = _PRICE.fullmatch(part)
        if match is None:
            raise ValidationError(gettext("“%s” is no price. Write tier:gold=700 or plan:plus=500+9.90.") % part)
        kind, code, points, cash = match.groups()
        if code not in known[kind]:
            raise ValidationError(gettext("There is none with the code %s.") % code)
        price = RewardPrice(points=int(points), cash=MoneyField().clean(cash or "0"), **{kind: known[kind][code]})
        if price.basis in found:
            raise ValidationError(gettext("“%s” has two prices.") % price.basis)
        found[price.basis] = price
    return list(found.values())
