import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty.services.occasions import Item
from members.models import Member
from merchants.models import Card, Club, MemberPrice, PriceLadder
from merchants.selectors import prices
from merchants.tests.buyers import (
    DAY,
    NOON,
    a_card,
    a_club,
    a_ladder,
    a_member,
    a_merchant,
    a_plan,
    a_price,
    a_tier,
    in_tier,
    subscribed,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme():
    return a_merchant()


@pytest.fixture
def gold():
    return a_tier("gold", 3)


@pytest.fixture
def alice(gold):
    return in_tier(a_member("alice"), gold)


def item(cash=10000, quantity=1, number="1", sku="sku-1", store="acme", category="books"):
    return Item(number=number, sku=sku, store=store, category=category, quantity=quantity, cash=cash)


def offer(member, *items, at=NOON):
    return prices.best(member, items or (item(),), at).get("1")


def test_a_gold_member_pays_the_gold_price_and_is_told_why(acme, gold, alice):
    a_price(acme, 9000, tier=gold)
    found = offer(alice)
    assert (found.price, found.list_price, found.cash, found.saving) == (9000, 10000, 9000, 1000)
    assert (found.kind, found.code, found.because) == ("tier", "gold", "Gold price")


def test_a_tiers_price_holds_for_higher_tiers_and_not_for_lower_ones(acme, gold):
    a_price(acme, 9000, tier=gold)
    assert offer(in_tier(a_member("diana"), a_tier("diamond", 4))).price == 9000
    assert offer(in_tier(a_member("silvia"), a_tier("silver", 2))) is None
    assert offer(a_member("newcomer")) is None
    assert offer(None) is None


def test_of_two_prices_the_lower_one_wins(acme, gold, alice):
    a_price(acme, 9000, tier=gold)
    plus = a_price(acme, 8800, plan=subscribed_plan(alice))
    assert (offer(alice).price, offer(alice).because) == (8800, "PLUS price")
    plus.price = 9100
    plus.save()
    assert (offer(alice).price, offer(alice).because) == (9000, "Gold price")


def subscribed_plan(member):
    plan = a_plan()
    subscribed(member, plan)
    return plan


def test_of_two_equal_prices_the_tiers_is_named(acme, gold, alice):
    a_price(acme, 9000, plan=subscribed_plan(alice))
    a_price(acme, 9000, tier=gold)
    assert offer(alice).kind == "tier"


@pytest.mark.parametrize("price", [10000, 10001])
def test_a_price_that_is_not_below_the_list_price_is_ignored(acme, gold, alice, price):
    a_price(acme, price, tier=gold)
    assert offer(alice) is None


def test_a_price_holds_from_its_first_instant_until_before_its_end(acme, gold, alice):
    a_price(acme, 9000, tier=gold, starts_at=NOON, ends_at=NOON + DAY)
    tick = DAY / 86_400_000_000
    assert offer(alice, at=NOON - tick) is None
    assert offer(alice, at=NOON).price == 9000
    assert offer(alice, at=NOON + DAY - tick).price == 9000
    assert offer(alice, at=NOON + DAY) is None


def test_the_plans_price_ends_with_the_plan(acme, alice):
    plus = a_plan()
    subscribed(alice, plus, ends_at=NOON)
    a_price(acme, 8800, plan=plus)
    assert offer(alice, at=NOON) is None
    assert offer(alice, at=NOON - DAY / 24).price == 8800


def test_a_clubs_price_asks_for_a_card_and_its_level(acme, alice):
    club = a_club(acme)
    a_price(acme, 8000, club=club, level=3)
    assert offer(alice) is None
    card = a_card(alice, club, level=2)
    assert offer(alice) is None
    Card.objects.filter(pk=card.pk).update(level=3)
    assert offer(alice).because == "Level 3 price of Acme Club"
    Card.objects.filter(pk=card.pk).update(status=Card.Status.LEFT, left_at=NOON)
    assert offer(alice) is None


def test_a_closed_club_gives_no_price(acme, alice):
    club = a_club(acme)
    a_card(alice, club)
    a_price(acme, 8000, club=club, level=1)
    Club.objects.update(status=Club.Status.CLOSED)
    assert offer(alice) is None


def test_a_price_of_one_store_does_not_hold_in_another(gold, alice):
    acme = a_merchant("acme", "acme", "acme-outlet")
    a_price(acme, 9000, tier=gold, store=acme.stores.get(code="acme-outlet"))
    assert offer(alice) is None
    assert offer(alice, item(store="acme-outlet")).price == 9000


def test_another_merchants_price_for_the_same_sku_does_not_count(acme, gold, alice):
    a_price(a_merchant("other"), 1000, tier=gold)
    a_price(acme, 9000, tier=gold)
    assert offer(alice).price == 9000
    assert offer(alice, item(store="nobody")) is None


def test_prices_are_for_a_piece_and_the_line_is_exact(acme, gold, alice):
    a_price(acme, 3000, tier=gold)
    found = offer(alice, item(cash=10000, quantity=3))
    assert (found.cash, found.saving, found.list_price) == (9000, 1000, 3333)


def test_a_ladder_is_for_business_members_only(acme, alice):
    a_ladder(acme, {"from_quantity": 10, "percent_off": 5})
    assert offer(alice, item(quantity=10)) is None
    shop = a_member("shop", kind=Member.Kind.BUSINESS)
    assert offer(shop, item(quantity=10)).because == "from 10 pieces"


@pytest.mark.parametrize(
    ("quantity", "cash", "because"),
    [(9, None, ""), (10, 9500, "from 10 pieces"), (99, 9500, "from 10 pieces"), (100, 9000, "from 100 pieces")],
)
def test_the_highest_step_that_the_quantity_reaches_counts(acme, quantity, cash, because):
    a_ladder(acme, {"from_quantity": 10, "percent_off": 5}, {"from_quantity": 100, "percent_off": 10}, sku="sku-1")
    found = offer(a_member("shop", kind="business"), item(quantity=quantity))
    assert (found and found.cash, found.because if found else "") == (cash, because)


def test_a_step_may_give_the_price_of_a_piece(acme):
    a_ladder(acme, {"from_quantity": 10, "price": 700}, sku="sku-1")
    found = offer(a_member("shop", kind="business"), item(quantity=10))
    assert (found.price, found.cash, found.saving) == (700, 7000, 3000)


def test_what_a_percentage_leaves_is_rounded_half_up(acme):
    a_ladder(acme, {"from_quantity": 1, "percent_off": 50})
    assert offer(a_member("shop", kind="business"), item(cash=101)).cash == 51


def test_a_ladder_of_a_category_leaves_others_alone(acme):
    a_ladder(acme, {"from_quantity": 1, "percent_off": 10}, category="books")
    shop = a_member("shop", kind="business")
    assert offer(shop).cash == 9000
    assert offer(shop, item(category="toys")) is None


@pytest.mark.parametrize("size", [1, 1000])
def test_a_thousand_lines_cost_as_many_queries_as_one(acme, gold, django_assert_num_queries, size):
    shop = in_tier(a_member("shop", kind="business"), gold)
    plus, club = subscribed_plan(shop), a_club(acme)
    a_card(shop, club, level=2)
    a_price(acme, 9000, tier=gold)
    a_price(acme, 8900, plan=plus)
    a_price(acme, 8800, club=club, level=2)
    a_ladder(acme, {"from_quantity": 5, "percent_off": 1})
    lines = [item(number=str(n), sku=f"sku-{n}") for n in range(1, size + 1)]
    with django_assert_num_queries(7):
        assert prices.best(shop, lines, NOON)["1"].price == 8800


def test_overlapping_prices_are_found(acme, gold):
    price = a_price(acme, 9000, tier=gold, starts_at=NOON, ends_at=NOON + DAY)
    beside = a_price(acme, 9000, tier=gold, starts_at=NOON + DAY)
    other = a_price(acme, 8000, plan=a_plan(), starts_at=NOON + DAY / 2)
    assert list(prices.overlapping(price)) == [other]
    assert set(prices.overlapping(other)) == {price, beside}


# What wins, said once more as simply as can be -----------------------------------------------------------------------

_prices = st.lists(
    st.tuples(
        st.sampled_from(["tier0", "tier1", "plan", "club1", "club3"]),
        st.sampled_from(["acme", "outlet", None]),
        st.integers(1, 120),
        st.integers(-2, 2),
        st.sampled_from([None, 3, 4]),
    ),
    max_size=8,
)
_steps = st.lists(
    st.tuples(st.integers(1, 6), st.one_of(st.integers(1, 99), st.none()), st.integers(1, 120)), max_size=4
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=_prices,
    steps=_steps,
    quantity=st.integers(1, 6),
    unit=st.integers(0, 100),
    rest=st.integers(0, 5),
    rank=st.sampled_from([None, 0, 1]),
    has_plan=st.booleans(),
    level=st.sampled_from([None, 1, 2, 3]),
    store=st.sampled_from(["acme", "outlet"]),
)
def test_the_best_is_what_trying_everything_finds(rows, steps, quantity, unit, rest, rank, has_plan, level, store):
    merchant = a_merchant("acme", "acme", "outlet")
    MemberPrice.objects.all().delete()
    PriceLadder.objects.all().delete()
    stores = {one.code: one for one in merchant.stores.all()}
    tiers, plan = [a_tier("bronze", 0), a_tier("silver", 1)], a_plan()
    club = Club.objects.first() or a_club(merchant)
    whom = {
        "tier0": {"tier": tiers[0]}, "tier1": {"tier": tiers[1]}, "plan": {"plan": plan},
        "club1": {"club": club, "level": 1}, "club3": {"club": club, "level": 3},
    }  # fmt: skip
    may = {
        "tier0": rank is not None and rank >= 0, "tier1": rank == 1, "plan": has_plan,
        "club1": level is not None, "club3": level is not None and level >= 3,
    }  # fmt: skip
    cash = unit * quantity + rest
    sums = [cash]
    for number, (who, place, price, start, end) in enumerate(rows):
        # A second apart, or two equal ones would collide; none of them begins or ends at noon itself but by `start`.
        starts_at = NOON + start * DAY - number * DAY / 86_400
        ends_at = NOON + end * DAY if end else None
        a_price(merchant, price, store=stores.get(place), starts_at=starts_at, ends_at=ends_at, **whom[who])
        if may[who] and place in (None, store) and starts_at <= NOON and (ends_at is None or ends_at > NOON):
            sums.append(price * quantity)
    steps = {start: (percent, price) for start, percent, price in steps}
    ladder = a_ladder(merchant, sku="sku-1")
    for start, (percent, price) in steps.items():
        ladder.steps.create(from_quantity=start, percent_off=percent, price=None if percent else price)
    if reached := [start for start in steps if start <= quantity]:
        percent, price = steps[max(reached)]
        exact = itertools.count(0)
        wanted = cash * (100 - percent) if percent else 0
        half_up = next(n for n in exact if 2 * 100 * n > 2 * wanted - 100) if percent else 0
        sums.append(half_up if percent else price * quantity)
    asks = prices.Buyer(rank, frozenset({plan.pk} if has_plan else ()), {club.pk: level} if level else {}, True)
    found = prices.best_for(asks, [item(cash=cash, quantity=quantity, store=store)], NOON).get("1")
    assert (found.cash if found else cash) == min(sums)
    if found:
        assert found.saving == cash - found.cash > 0
