from fractions import Fraction

import pytest

from loyalty.selectors import programme as programmes
from loyalty.tests.stage import DAY, NOON, set_programme
from rewards.models import Game
from rewards.selectors import odds
from rewards.tests.arcade import a_draft

pytestmark = pytest.mark.django_db

GIFT = {"kind": "gift", "name": "Mug", "price": 20_00}


def of(version):
    return odds.of(version, list(version.prizes.all()), programmes.current())


def codes(version):
    return [fault.code for fault in odds.faults(version, list(version.prizes.all()), programmes.current())]


def test_the_expected_value_is_that_of_the_published_vector():
    """domain.md F17: (.001, 1000), (.01, 200), (.1, 20), (.3, 5) gives 6.5 beans."""
    told = of(a_draft(stake=10))
    assert told.expected == Fraction(13, 2)
    assert told.ratio == Fraction(65, 100)
    assert sum(chance.probability for chance in told.chances) == 1
    assert told.chances[-1].prize is None
    assert told.chances[-1].probability == Fraction(589, 1000)


def test_points_count_at_what_they_pay_for():
    set_programme(point_value_points=100, point_value_money=50)
    told = of(a_draft(stake=10))
    assert (told.expected, told.stake, told.ratio) == (Fraction(13, 4), 5, Fraction(65, 100))


def test_a_version_that_gives_more_than_its_cap_has_a_fault():
    assert codes(a_draft(cost_cap_percent=65)) == []
    assert codes(a_draft("dear", cost_cap_percent=64)) == ["cost_above_cap"]


def test_a_top_prize_of_50_000_yuan_is_the_most(settings):
    rich = {"kind": "gift", "name": "Car", "weight": 1}
    at_limit = a_draft(stake=100_000, weight_total=1_000_000, prizes=[{**rich, "price": 5_000_000}])
    above = a_draft("above", stake=100_000, weight_total=1_000_000, prizes=[{**rich, "price": 5_000_001}])
    assert (codes(at_limit), codes(above)) == ([], ["top_prize_too_high"])
    settings.GAME_TOP_PRIZE = 5_000_001
    assert codes(above) == []


def test_points_above_the_limit_are_a_top_prize_too():
    assert codes(a_draft(stake=10**6, weight_total=10**6, prizes=[(1, 5_000_001)])) == ["top_prize_too_high"]


@pytest.mark.parametrize(
    ("prizes", "fault"),
    [
        ([], "no_prizes"),
        ([(600, 1), (401, 1)], "weights_above_total"),
        ([(0, 1)], "prize_without_weight"),
        ([{"kind": "points", "points": 1, "weight": 1, "is_fallback": True, "stock": 5}], "fallback_has_stock"),
        (
            [
                {"kind": "points", "points": 1, "weight": 1, "stock": 5},
                {"kind": "points", "points": 2, "weight": 1, "is_fallback": True},
            ],
            "fallback_too_dear",
        ),
    ],
)
def test_prizes_that_do_not_make_fair_odds_are_faults(prizes, fault):
    assert fault in codes(a_draft(prizes=prizes))


def test_a_budget_below_the_top_prize_would_never_let_anybody_play():
    assert codes(a_draft(daily_budget=999)) == ["budget_below_top_prize"]
    assert codes(a_draft("enough", daily_budget=1000)) == []


def test_the_worst_day_is_what_is_in_stock_or_the_budget():
    mugs = [{**GIFT, "weight": 1, "stock": 7}]
    assert of(a_draft()).worst_day is None
    assert of(a_draft("budget", daily_budget=5000)).worst_day == 5000
    assert of(a_draft("stock", prizes=mugs)).worst_day == 7 * 20_00
    assert of(a_draft("both", prizes=mugs, daily_budget=50_00)).worst_day == 50_00


def test_one_members_worst_day_is_bounded_by_the_limits():
    assert of(a_draft()).worst_member_day is None
    assert of(a_draft("three", daily_limit=3)).worst_member_day == 3000
    assert of(a_draft("two", daily_limit=3, lifetime_limit=2)).worst_member_day == 2000


def lottery(**values):
    values = {
        "ends_at": NOON + DAY,
        "draws_at": NOON + DAY,
        "tickets_least": 1000,
        "tickets_most": 2000,
        "prizes": [{**GIFT, "stock": 3}],
        "stake": 10,
    } | values
    return a_draft("lottery", kind=Game.Kind.LOTTERY, **values)


def test_a_lottery_costs_its_prizes_over_the_least_number_of_tickets():
    told = of(lottery())
    assert told.expected == 6
    assert told.chances[0].probability == Fraction(3, 1000)
    assert told.worst_day == 3 * 20_00


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({}, None),
        ({"tickets_least": 857}, "cost_above_cap"),
        ({"draws_at": NOON}, "draw_before_end"),
        ({"draws_at": None}, "draw_before_end"),
        ({"tickets_most": None}, "tickets_unclear"),
        ({"tickets_most": 999}, "tickets_unclear"),
        ({"prizes": [{**GIFT}]}, "prize_without_stock"),
        ({"daily_budget": 10**6}, "lottery_has_no_day"),
        ({"tickets_least": 2, "stake": 10_000}, "more_prizes_than_tickets"),
    ],
)
def test_a_lottery_that_cannot_be_drawn_fairly_has_a_fault(values, fault):
    assert codes(lottery(**values)) == ([fault] if fault else [])
