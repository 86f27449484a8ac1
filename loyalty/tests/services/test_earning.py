"""What rules give for an occasion: pure vectors and properties (domain.md F12, F13, E22–E24, E30–E34)."""

import datetime as dt
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.models import EarningRule, EarningRuleVersion, RuleCondition
from loyalty.services import conditions, earning
from loyalty.services.earning import CompiledRule
from loyalty.services.occasions import Facts, Item, Occasion

NOON = dt.datetime(2026, 3, 1, 4, 0, tzinfo=dt.UTC)
SHANGHAI = dt.timezone(dt.timedelta(hours=8))
_ids = count(1)


def rule(*asked, **values):
    number = next(_ids)
    version = EarningRuleVersion(
        **{"pk": number, "rule": EarningRule(pk=number, code=f"r{number}", name=f"Rule {number}"), "number": 1} | values
    )
    rows = [RuleCondition(attribute=a, operator=o, value=v, key=k[0] if k else "") for a, o, v, *k in asked]
    return CompiledRule(version, tuple(conditions.compile(row) for row in rows))


def occasion(*cash, facts=None, at=NOON, **values):
    items = [Item(number=str(n), sku=f"sku-{n}", cash=c) for n, c in enumerate(cash)]
    return Occasion("order.completed", at, at.astimezone(SHANGHAI), facts or Facts(), items=items, **values)


def points(rules, asked):
    rules = sorted(rules, key=lambda each: -each.version.priority)
    return earning.evaluate(rules, asked).points


def reasons(rules, asked):
    return [(missed.computed, missed.granted, missed.reason) for missed in earning.evaluate(rules, asked).missed]


@pytest.mark.parametrize(
    ("cash", "values", "expected"),
    [
        (9000, {}, 90),
        (9099, {}, 90),
        (99, {}, 0),
        (0, {}, 0),
        (9999, {"points": 1, "money_unit": 1000, "money_step": 1000}, 9),
        (4999, {"points": 1, "money_unit": 1000, "money_step": 1000, "min_cash": 5000}, 0),
        (5000, {"points": 1, "money_unit": 1000, "money_step": 1000, "min_cash": 5000}, 5),
        (10000, {"points": 1, "money_unit": 200}, 50),
        (10**13, {"points": 5}, 5 * 10**11),
    ],
)
def test_points_per_money_are_rounded_down_once(cash, values, expected):
    assert points([rule(**values)], occasion(cash)) == expected


def test_a_product_gives_no_more_than_its_cap_over_all_its_lines():
    asked = occasion(80000, 80000)
    asked.items[1].sku = asked.items[0].sku
    capped = [rule(cap_item=1000)]
    assert points(capped, asked) == 1000
    assert reasons(capped, asked) == [(1600, 1000, "cap_item")]


def test_the_cap_of_an_order_is_shared_over_its_lines():
    (award,) = earning.evaluate([rule(cap_order=100)], occasion(10000, 20000)).awards
    assert award.shares == [33, 67]


def test_lines_counted_by_themselves_round_each():
    assert points([rule(basis="line")], occasion(2997, 2997, 3006)) == 29 + 29 + 30
    assert points([rule()], occasion(2997, 2997, 3006)) == 90


def test_multipliers_work_on_the_base_and_never_on_each_other():
    rules = [
        rule(),
        rule(formula="multiplier", multiplier_percent=1000),
        rule(formula="multiplier", multiplier_percent=200),
    ]
    assert points(rules, occasion(10000)) == 100 + 900 + 100


def test_base_and_multiplier_are_rounded_down_together():
    assert points([rule(), rule(formula="multiplier", multiplier_percent=1000)], occasion(1550)) == 155


def test_a_multiplier_multiplies_what_is_paid_and_not_what_was_outranked():
    rules = [rule(stacking="max"), rule(stacking="max", points=2), rule(formula="multiplier", multiplier_percent=200)]
    assert points(rules, occasion(10000)) == 200 + 200


def test_a_multiplier_below_one_gives_nothing_rather_than_taking():
    assert points([rule(), rule(formula="multiplier", multiplier_percent=50)], occasion(10000)) == 100


def test_a_multiplier_without_a_base_gives_nothing():
    assert points([rule(formula="multiplier", multiplier_percent=300)], occasion(10000)) == 0


def test_a_multiplier_counts_only_the_lines_that_fit():
    rules = [rule(), rule(("line.category", "is", "books"), formula="multiplier", multiplier_percent=300)]
    asked = occasion(10000, 5000)
    asked.items[1].category = "books"
    assert points(rules, asked) == 150 + 100


def test_rules_add_up():
    assert points([rule(), rule(formula="fixed", points=7)], occasion(10000)) == 107


def test_only_the_best_of_its_kind_pays_and_the_other_is_named():
    rules = [rule(stacking="max"), rule(stacking="max", points=3), rule(stacking="max", formula="fixed", points=5)]
    assert points(rules, occasion(10000)) == 305
    assert reasons(rules, occasion(10000)) == [(100, 0, "outranked")]


def test_a_rule_that_stops_the_list_pays_and_those_below_do_not():
    rules = [
        rule(priority=1, points=1),
        rule(priority=9, formula="fixed", points=50, stacking="stop"),
        rule(priority=10, formula="fixed", points=3),
    ]
    assert points(rules, occasion(10000)) == 53


def test_a_rule_that_stops_the_list_stops_the_multipliers_below_it_too():
    base, stop = rule(priority=8), rule(priority=5, formula="fixed", points=50, stacking="stop")
    below = rule(priority=1, formula="multiplier", multiplier_percent=300)
    above = rule(priority=9, formula="multiplier", multiplier_percent=200)
    assert points([base, stop, below], occasion(10000)) == 150
    assert points([base, stop, above], occasion(10000)) == 250


def test_a_rule_that_does_not_apply_stops_nothing():
    rules = [rule(priority=1), rule(("order.cash", "at_least", "99999"), priority=9, formula="fixed", stacking="stop")]
    assert points(rules, occasion(10000)) == 100


def test_every_rule_says_what_it_did():
    rules = [rule(), rule(("order.channel", "is", "app")), rule(min_cash=10**6), rule(cap_order=5)]
    words = [trace.words for trace in earning.evaluate(rules, occasion(10000)).traces]
    assert len(words) == 4
    assert all(words)


class Budget:
    """So many points are left for all rules together."""

    def __init__(self, left):
        self.all = left

    def left(self, version, at):
        return [(self.all, "campaign_budget")]

    def take(self, version, at, points):
        self.all -= points


def test_rules_of_one_occasion_share_what_is_left():
    evaluation = earning.evaluate([rule(), rule(formula="fixed", points=100)], occasion(10000), Budget(150))
    assert [award.points for award in evaluation.awards] == [100, 50]
    assert [(m.computed, m.granted, m.reason) for m in evaluation.missed] == [(100, 50, "campaign_budget")]


@pytest.mark.parametrize(
    ("likes", "expected"),
    [
        (0, 20),
        (1, 40),
        (3, 60),
        (7, 80),
        (15, 100),
        (31, 120),
        (63, 140),
        (127, 160),
        (255, 180),
        (511, 200),
        (10**6, 200),
    ],
)
def test_a_review_grows_with_the_logarithm_of_its_likes(likes, expected):
    assert earning.likes_reward(20, 20, 200, likes) == expected


@given(st.integers(0, 10**5))
def test_each_further_like_pays_at_most_what_the_first_did(likes):
    step = earning.likes_reward(20, 20, 10**6, likes + 1) - earning.likes_reward(20, 20, 10**6, likes)
    assert 0 <= step <= 20


versions = st.fixed_dictionaries(
    {
        "formula": st.sampled_from(["per_money", "multiplier", "fixed"]),
        "basis": st.sampled_from(["order", "line"]),
        "stacking": st.sampled_from(["sum", "max"]),
        "points": st.integers(1, 50),
        "money_unit": st.sampled_from([1, 100, 700, 1000]),
        "money_step": st.sampled_from([1, 100, 1000]),
        "min_cash": st.sampled_from([0, 500, 5000]),
        "multiplier_percent": st.sampled_from([50, 100, 150, 200, 1000]),
        "cap_item": st.none() | st.integers(0, 100),
        "cap_order": st.none() | st.integers(0, 100),
    }
)


@given(st.lists(versions, min_size=1, max_size=4), st.lists(st.integers(0, 10000), min_size=1, max_size=4), st.data())
def test_points_are_whole_not_negative_and_within_the_caps(rules, cash, data):
    for award in earning.evaluate([rule(**values) for values in rules], occasion(*cash)).awards:
        assert award.points > 0
        assert min(award.shares) >= 0
        assert award.version.cap_order is None or award.points <= award.version.cap_order
        assert award.points <= award.computed


@given(st.lists(versions, min_size=1, max_size=4), st.lists(st.integers(0, 10000), min_size=1, max_size=4), st.data())
def test_splitting_a_line_never_earns_more(rules, cash, data):
    rules = [rule(**values | {"stacking": "sum"}) for values in rules]
    whole = occasion(*cash)
    split = occasion(*cash)
    first = split.items[0]
    cut = data.draw(st.integers(0, first.cash))
    rest = Item(number="rest", sku=first.sku, cash=first.cash - cut)
    first.cash = cut
    split.items.insert(data.draw(st.integers(0, len(split.items))), rest)
    assert points(rules, split) <= points(rules, whole)


@pytest.mark.parametrize("cut", range(43))
def test_a_product_meets_its_cap_in_one_line_as_in_two(cut):
    rules = [rule(points=51, money_unit=50, cap_item=42)]
    whole, split = occasion(42, 8), occasion(42 - cut, 8)
    split.items.append(Item(number="rest", sku="sku-0", cash=cut))
    assert points(rules, split) == points(rules, whole)


@given(st.lists(st.integers(0, 10000), min_size=2, max_size=5), versions)
def test_ten_orders_never_earn_more_than_one(cash, values):
    each = rule(**values | {"formula": "per_money", "cap_item": None, "cap_order": None})
    assert sum(points([each], occasion(part)) for part in cash) <= points([each], occasion(sum(cash)))
