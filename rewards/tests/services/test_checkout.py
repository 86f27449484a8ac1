import random

import pytest
from django.utils import timezone

from loyalty.models import CapCounter, GrowthPolicy, Programme, Standing
from loyalty.selectors import members as selectors
from loyalty.selectors import programme
from loyalty.services.occasions import Item
from loyalty.tests.api.callers import grant, one_point_per_yuan
from loyalty.tests.stage import a_growth_policy, a_ladder, line, order, send
from rewards.services import checkout

pytestmark = pytest.mark.django_db


def quote(*basket, balance=0, owner=None):
    if balance:
        grant(owner, balance)
    member = selectors.with_wallets().get(external_id="alice")
    return checkout.quote(member, list(basket), channel="app", at=timezone.now())


def goods(cash, number="1", **fields):
    return Item(number=number, cash=cash, **fields)


@pytest.mark.parametrize(
    ("cash", "balance", "most"),
    [
        (4000, 5000, 2000),
        (1999, 5000, 0),
        (2000, 5000, 1000),
        (3999, 9999, 1000),
        (10_000, 700, 0),
        (100_000, 123_456, 50_000),
        (4000, 0, 0),
    ],
)
def test_the_most_points_follow_the_published_vectors(alice, cash, balance, most):
    """domain.md F9."""
    answer = quote(goods(cash), balance=balance, owner=alice)
    assert (answer.max_points, answer.points_value, answer.points_step) == (most, most, 1000)
    assert answer.points_available == balance


def test_the_most_points_fall_on_the_lines_by_largest_remainder(alice):
    """domain.md F10: 33.30 / 33.30 / 33.40 with 1,000 points."""
    answer = quote(goods(3330, "1"), goods(3330, "2"), goods(3340, "3"), balance=1500, owner=alice)
    assert [(line.line, line.points, line.cash) for line in answer.lines] == [
        ("1", 333, 2997),
        ("2", 333, 2997),
        ("3", 334, 3006),
    ]


def test_virtual_lines_are_exempt_from_step_and_cap(alice):
    answer = quote(goods(1990, "1"), goods(777, "2", virtual=True), balance=5000, owner=alice)
    assert answer.max_points == 777
    assert [line.points for line in answer.lines] == [0, 777]


def test_what_points_are_worth_is_the_programmes_to_say(alice):
    programme.current()
    Programme.objects.update(point_value_points=100, point_value_money=50)
    answer = quote(goods(4000), balance=10_000, owner=alice)
    assert (answer.max_points, answer.points_value) == (4000, 2000)
    assert answer.lines[0].cash == 2000


def test_what_will_be_earned_counts_the_cash_that_is_paid(alice):
    one_point_per_yuan()
    answer = quote(goods(10_000), balance=5000, owner=alice)
    assert (answer.points_to_earn, answer.points_to_earn_with_points) == (100, 50)


def test_what_will_be_earned_knows_the_caps_that_are_left(alice):
    version = one_point_per_yuan(cap_member=120)
    account = grant(alice, 1)
    CapCounter.objects.create(account=account, rule=version.rule, window="ever", used=100)
    assert quote(goods(10_000)).points_to_earn == 20


def test_a_member_who_never_earned_is_quoted_too(alice):
    one_point_per_yuan()
    answer = quote(goods(10_000))
    assert (answer.max_points, answer.points_to_earn) == (0, 100)
    assert not hasattr(selectors.with_wallets().get(external_id="alice"), "wallet")


def test_growth_counts_the_cash_that_is_paid_and_not_virtual_goods(alice):
    a_growth_policy()
    answer = quote(goods(10_000, "1"), goods(7_000, "2", virtual=True), balance=5000, owner=alice)
    assert (answer.growth_to_earn, answer.growth_to_earn_with_points) == (100, 50)


def test_growth_is_multiplied_by_the_members_coefficient(alice):
    a_growth_policy()
    grant(alice, 1)
    Standing.objects.update(coefficient_percent=130)
    assert quote(goods(9_999)).growth_to_earn == 128


def test_below_the_least_cash_and_without_a_policy_no_growth_is_quoted(alice):
    assert quote(goods(10_000)).growth_to_earn == 0
    a_growth_policy()
    assert quote(goods(1_999)).growth_to_earn == 0


@pytest.mark.parametrize("seed", range(12))
def test_the_order_gives_the_growth_that_was_quoted(alice, seed):
    chance = random.Random(seed)
    a_ladder()
    a_growth_policy(
        scope=chance.choice(GrowthPolicy.Scope.values),
        by_store=chance.random() < 0.5,
        excluded_categories="cards",
        activity_needs_order=False,
    )
    grant(alice, 50_000)
    Standing.objects.update(coefficient_percent=110)
    send("member.logged_in", at=timezone.now())
    Standing.objects.update(coefficient_percent=chance.choice([0, 100, 110, 130]))
    basket = [
        goods(
            chance.randrange(100, 30_000),
            str(number),
            store=chance.choice(["", "a", "b"]),
            category=chance.choice(["books", "cards"]),
            virtual=chance.random() < 0.3,
        )
        for number in range(chance.randint(1, 5))
    ]
    offered = quote(*basket)
    sold = [
        line(item.number, paid.cash, category=item.category, store=item.store, virtual=item.virtual)
        for item, paid in zip(basket, offered.lines, strict=True)
    ]
    effects = send("order.completed", at=timezone.now(), **order("o-1", *sold))["effects"]
    assert effects["growth"] == {"added": offered.growth_to_earn_with_points}


def test_a_quote_costs_the_same_for_many_lots_and_lines(alice, django_assert_max_num_queries):
    one_point_per_yuan()
    a_growth_policy()
    for _ in range(30):
        grant(alice, 1000)
    quote(goods(4000))
    with django_assert_max_num_queries(4):
        quote(*[goods(4000, str(number)) for number in range(50)])
