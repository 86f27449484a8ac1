"""Conditions of earning rules, compiled to closures: a closed vocabulary, nothing to escape from.

A condition on a line chooses the lines a rule counts; every other condition opens or shuts the rule as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from common.problems import InvalidInput
from loyalty.models import RuleCondition
from loyalty.services.occasions import Item, Occasion

Attribute, Operator = RuleCondition.Attribute, RuleCondition.Operator
Read = Callable[[Occasion, Any], Any]
"""An order-level attribute is read without a line: the item is None and nobody looks at it."""

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
TRUE = {"1", "true", "yes", "是"}

_READ: dict[str, Read] = {
    Attribute.LINE_CATEGORY: lambda o, i: i.category,
    Attribute.LINE_STORE: lambda o, i: i.store,
    Attribute.LINE_SKU: lambda o, i: i.sku,
    Attribute.LINE_VIRTUAL: lambda o, i: i.virtual,
    Attribute.LINE_UNIT_PRICE: lambda o, i: i.cash // i.quantity,
    Attribute.LINE_NEW_CATEGORY: lambda o, i: i.new_category,
    Attribute.ORDER_CASH: lambda o, i: sum(item.cash for item in o.items),
    Attribute.ORDER_CHANNEL: lambda o, i: o.channel,
    Attribute.ORDER_FIRST: lambda o, i: o.facts.first_order,
    Attribute.TIME_WEEKDAY: lambda o, i: o.local.isoweekday(),
    Attribute.TIME_OF_DAY: lambda o, i: o.local.strftime("%H:%M"),
    Attribute.TIME_DAY: lambda o, i: o.local.day,
    Attribute.MEMBER_TIER: lambda o, i: o.facts.tier,
    Attribute.MEMBER_PLAN: lambda o, i: o.facts.plans,
    Attribute.MEMBER_SEGMENT: lambda o, i: o.facts.segments,
    Attribute.MEMBER_KIND: lambda o, i: o.facts.kind,
    Attribute.ACTIVITY_STREAK: lambda o, i: o.facts.streak,
    Attribute.ACTIVITY_MANUAL: lambda o, i: o.facts.manual,
    Attribute.REVIEW_PHOTOS: lambda o, i: o.facts.photos,
    Attribute.REFUSALS_MONTH: lambda o, i: o.facts.refusals_month,
    Attribute.REFUSALS_YEAR: lambda o, i: o.facts.refusals_year,
}
_CUSTOM: dict[str, Callable[[Occasion, Item, str], Any]] = {
    Attribute.LINE_CUSTOM: lambda o, i, key: i.attributes.get(key),
    Attribute.ORDER_CUSTOM: lambda o, i, key: o.attributes.get(key),
    Attribute.MEMBER_CUSTOM: lambda o, i, key: o.facts.attributes.get(key),
}
_NUMBERS = {
    Attribute.LINE_UNIT_PRICE,
    Attribute.ORDER_CASH,
    Attribute.TIME_WEEKDAY,
    Attribute.TIME_DAY,
    Attribute.ACTIVITY_STREAK,
    Attribute.REVIEW_PHOTOS,
    Attribute.REFUSALS_MONTH,
    Attribute.REFUSALS_YEAR,
}
_FLAGS = {
    Attribute.LINE_VIRTUAL,
    Attribute.LINE_NEW_CATEGORY,
    Attribute.ORDER_FIRST,
    Attribute.ACTIVITY_MANUAL,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition: `holds(occasion, item)`; `words` say it to a person."""

    holds: Callable[[Occasion, Item | None], bool]
    on_line: bool
    words: str
    attribute: str


def compile(row: RuleCondition) -> Condition:
    """Compile one row. Raises InvalidInput with the reason if the value does not fit the attribute or the operator."""
    on_line = row.attribute.startswith("line.")
    if row.attribute in _CUSTOM:
        if not row.key:
            raise InvalidInput(_("Name the custom attribute."))
        read: Read = _custom(row.attribute, row.key)
    else:
        read = _READ[row.attribute]
    if row.attribute == Attribute.TIME_OF_DAY and not all(_TIME.fullmatch(word) for word in _words(row.value)):
        raise InvalidInput(_("Write the time of day like 09:30."))
    test = _test(row.operator, row.value, numeric=row.attribute in _NUMBERS, flag=row.attribute in _FLAGS)
    return Condition(lambda occasion, item: test(read(occasion, item)), on_line, str(row), row.attribute)


def _custom(attribute: str, key: str) -> Read:
    read = _CUSTOM[attribute]
    return lambda occasion, item: read(occasion, item, key)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.replace("，", ",").split(",") if word.strip()]


def _test(operator: str, text: str, *, numeric: bool, flag: bool) -> Callable[[Any], bool]:
    words = _words(text)
    if not words:
        raise InvalidInput(_("Give a value."))
    if flag:
        wanted = words[0].lower() in TRUE
        if operator not in (Operator.IS, Operator.IS_NOT) or len(words) > 1:
            raise InvalidInput(_("Yes-or-no attributes take “is one of” with yes or no."))
        return (
            (lambda value: bool(value) is wanted)
            if operator == Operator.IS
            else (lambda value: bool(value) is not wanted)
        )
    if operator in (Operator.IS, Operator.IS_NOT):
        members = {str(number) for number in _integers(words)} if numeric else set(words)
        return (
            (lambda value: _meets(value, members))
            if operator == Operator.IS
            else (lambda value: not _meets(value, members))
        )
    if operator == Operator.MULTIPLE_OF:
        step = _integers(words[:1])[0]
        if step < 1:
            raise InvalidInput(_("A multiple needs a whole number of at least 1."))
        return lambda value: isinstance(value, int) and value > 0 and value % step == 0
    return _compare(operator, words, numeric)


def _compare(operator: str, words: list[str], numeric: bool) -> Callable[[Any], bool]:
    bounds: list[Any] = _integers(words) if numeric or all(_is_integer(word) for word in words) else list(words)
    if len(bounds) != (2 if operator == Operator.BETWEEN else 1):
        raise InvalidInput(_("“Between” takes two values, the other comparisons one."))
    kind = type(bounds[0])
    if operator == Operator.AT_LEAST:
        return lambda value: isinstance(value, kind) and value >= bounds[0]
    if operator == Operator.LESS_THAN:
        return lambda value: isinstance(value, kind) and value < bounds[0]
    low, high = bounds
    if low > high and isinstance(low, str):
        # 22:00–06:00 spans midnight.
        return lambda value: isinstance(value, str) and (value >= low or value <= high)
    return lambda value: isinstance(value, kind) and low <= value <= high


def _meets(value: Any, members: Collection[str]) -> bool:
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(str(one) in members for one in value)
    if isinstance(value, bool):
        return str(value).lower() in members
    return value is not None and str(value) in members


def _is_integer(word: str) -> bool:
    return word.removeprefix("-").isdecimal()


def _integers(words: list[str]) -> list[int]:
    if not all(_is_integer(word) for word in words):
        raise InvalidInput(_("Give whole numbers; money in minor units."))
    return [int(word) for word in words]
