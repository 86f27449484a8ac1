"""Conditions of earning rules: a closed vocabulary, compiled once."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.problems import InvalidInput
from loyalty.models import RuleCondition
from loyalty.services import conditions
from loyalty.services.occasions import Facts, Item, Occasion

NOON = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))  # a Monday


def holds(attribute, operator, value, *, key="", item=None, **values):
    row = RuleCondition(attribute=attribute, operator=operator, value=value, key=key)
    local = values.pop("local", NOON)
    items = [item] if item else []
    return conditions.compile(row).holds(Occasion("order.completed", local, local, items=items, **values), item)


@pytest.mark.parametrize(
    ("attribute", "operator", "value", "values", "expected"),
    [
        ("line.category", "is", "books, toys", {"item": Item(category="toys")}, True),
        ("line.category", "is", "books，toys", {"item": Item(category="toys")}, True),
        ("line.category", "is_not", "books", {"item": Item(category="toys")}, True),
        ("line.store", "is", "s-1", {"item": Item(store="s-2")}, False),
        ("line.sku", "is", "1001", {"item": Item(sku="1001")}, True),
        ("line.virtual", "is", "yes", {"item": Item(virtual=True)}, True),
        ("line.virtual", "is", "no", {"item": Item(virtual=False)}, True),
        ("line.virtual", "is_not", "yes", {"item": Item(virtual=True)}, False),
        ("line.unit_price", "at_least", "2000", {"item": Item(cash=4000, quantity=2)}, True),
        ("line.unit_price", "at_least", "2000", {"item": Item(cash=3999, quantity=2)}, False),
        ("line.new_category", "is", "yes", {"item": Item(new_category=True)}, True),
        ("line.custom", "is", "red", {"key": "colour", "item": Item(attributes={"colour": "red"})}, True),
        ("line.custom", "is", "red", {"key": "colour", "item": Item()}, False),
        ("line.custom", "is_not", "red", {"key": "colour", "item": Item()}, True),
        ("order.cash", "between", "100,200", {"item": Item(cash=200)}, True),
        ("order.cash", "less_than", "200", {"item": Item(cash=200)}, False),
        ("order.channel", "is", "app", {"channel": "app"}, True),
        ("order.first", "is", "yes", {"facts": Facts(first_order=True)}, True),
        ("order.custom", "at_least", "10", {"key": "score", "attributes": {"score": 10}}, True),
        ("order.custom", "at_least", "10", {"key": "score", "attributes": {"score": "10"}}, False),
        ("order.custom", "at_least", "10", {"key": "score", "attributes": {}}, False),
        ("order.custom", "is", "true", {"key": "gift", "attributes": {"gift": True}}, True),
        ("order.custom", "is", "b", {"key": "tags", "attributes": {"tags": ["a", "b"]}}, True),
        ("time.weekday", "is", "1", {}, True),
        ("time.weekday", "is", "6,7", {}, False),
        ("time.of_day", "between", "09:00,12:00", {}, True),
        ("time.of_day", "less_than", "12:00", {}, False),
        ("time.of_day", "between", "22:00,06:00", {"local": NOON.replace(hour=23)}, True),
        ("time.of_day", "between", "22:00,06:00", {"local": NOON.replace(hour=5)}, True),
        ("time.of_day", "between", "22:00,06:00", {}, False),
        ("time.day", "is", "2", {}, True),
        ("member.tier", "is", "gold,diamond", {"facts": Facts(tier="gold")}, True),
        ("member.plan", "is", "plus", {"facts": Facts(plans=["plus", "fresh"])}, True),
        ("member.plan", "is_not", "plus", {"facts": Facts(plans=["plus"])}, False),
        ("member.segment", "is", "mothers", {"facts": Facts(segments=())}, False),
        ("member.kind", "is", "company", {"facts": Facts(kind="company")}, True),
        ("member.custom", "is", "cn", {"key": "country", "facts": Facts(attributes={"country": "cn"})}, True),
        ("activity.streak", "multiple_of", "7", {"facts": Facts(streak=14)}, True),
        ("activity.streak", "multiple_of", "7", {"facts": Facts(streak=0)}, False),
        ("activity.manual", "is", "yes", {"facts": Facts(manual=True)}, True),
        ("review.photos", "at_least", "1", {"facts": Facts(photos=0)}, False),
        ("refusals.month", "at_least", "2", {"facts": Facts(refusals_month=2)}, True),
        ("refusals.year", "at_least", "4", {"facts": Facts(refusals_year=3)}, False),
    ],
)
def test_what_holds(attribute, operator, value, values, expected):
    assert holds(attribute, operator, value, **values) is expected


@pytest.mark.parametrize(
    ("attribute", "operator", "value", "key"),
    [
        ("line.category", "is", "", ""),
        ("line.category", "is", " , ", ""),
        ("line.custom", "is", "red", ""),
        ("line.virtual", "at_least", "yes", ""),
        ("line.virtual", "is", "yes,no", ""),
        ("order.cash", "at_least", "ten", ""),
        ("order.cash", "at_least", "10.5", ""),
        ("order.cash", "between", "10", ""),
        ("order.cash", "less_than", "10,20", ""),
        ("time.weekday", "is", "Monday", ""),
        ("time.of_day", "at_least", "9:00", ""),
        ("time.of_day", "between", "22:00,24:30", ""),
        ("time.of_day", "at_least", "9", ""),
        ("activity.streak", "multiple_of", "0", ""),
    ],
)
def test_what_cannot_be_read_is_refused_when_it_is_compiled(attribute, operator, value, key):
    row = RuleCondition(attribute=attribute, operator=operator, value=value, key=key)
    with pytest.raises(InvalidInput):
        conditions.compile(row)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda s: st.lists(s) | st.dictionaries(st.text(), s),
)


@given(st.sampled_from(RuleCondition.Operator.values), st.sampled_from(["7", "seven", "1,5"]), anything)
def test_no_custom_attribute_whatever_it_holds_breaks_a_rule(operator, value, found):
    row = RuleCondition(attribute="order.custom", operator=operator, value=value, key="x")
    try:
        compiled = conditions.compile(row)
    except InvalidInput:
        return
    answer = compiled.holds(Occasion("order.completed", NOON, NOON, attributes={"x": found}), None)
    assert answer in (True, False)
