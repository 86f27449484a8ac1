"""What coupons take off, and why not."""

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from loyalty.services.occasions import Item
from loyalty.tests.stage import NOON
from rewards.models import Redemption, Reward
from rewards.selectors import coupons
from rewards.selectors.baskets import Basket, Line
from rewards.tests.shop import a_reward


def basket(*lines):
    """A basket of (cash, category, store, sku), priced already."""
    items = [Item(str(n), cash=cash, category=c, store=store, sku=sku) for n, (cash, c, store, sku) in enumerate(lines)]
    return Basket([Line(item, item.cash, item.cash) for item in items], 0, 0, None, sum(item.cash for item in items))


def tried(terms, *lines):
    return coupons.tried(Redemption(reward=Reward(kind="coupon", **terms)), basket(*lines))


BOOK, TEA = (6000, "books", "acme", "b-1"), (4000, "tea", "other", "t-1")


@pytest.mark.parametrize(
    ("terms", "shares"),
    [
        ({"off_amount": 3000}, [1800, 1200]),
        ({"off_amount": 3000, "only_categories": "books"}, [3000, 0]),
        ({"off_amount": 3000, "only_stores": "acme, other"}, [1800, 1200]),
        ({"off_amount": 3000, "only_skus": "t-1"}, [0, 3000]),
        ({"off_amount": 3000, "least_spend": 10_000}, [1800, 1200]),
        ({"off_amount": 30_000}, [6000, 4000]),
        ({"off_percent": 15}, [900, 600]),
        ({"off_percent": 15, "off_most": 1000}, [600, 400]),
        ({"off_percent": 100, "only_categories": "tea,books", "only_stores": "acme"}, [6000, 0]),
    ],
)
def test_a_coupon_falls_on_the_lines_it_is_for_in_proportion_to_their_prices(terms, shares):
    assert tried(terms, BOOK, TEA).shares == shares


@pytest.mark.parametrize(
    ("terms", "code", "more"),
    [
        ({}, "terms_unknown", {}),
        ({"off_amount": 1, "only_categories": "wine"}, "no_line_fits", {}),
        ({"off_amount": 1, "only_categories": "books", "only_stores": "other"}, "no_line_fits", {}),
        ({"off_amount": 1, "least_spend": 10_001}, "least_spend", {"missing": 1}),
        ({"off_amount": 1, "least_spend": 7000, "only_skus": "b-1"}, "least_spend", {"missing": 1000}),
    ],
)
def test_a_coupon_that_takes_nothing_off_says_why(terms, code, more):
    answer = tried(terms, BOOK, TEA)
    (reason,) = answer.reasons
    assert (answer.off, reason["code"]) == (0, code)
    assert reason | more == reason


def test_goods_that_cost_nothing_leave_nothing_to_take_off():
    assert tried({"off_amount": 5}, (0, "", "", "")).reasons[0]["code"] == "nothing_to_take_off"


@given(
    prices=st.lists(st.tuples(st.integers(0, 10**7), st.booleans()), min_size=1, max_size=20),
    amount=st.none() | st.integers(1, 10**8),
    percent=st.integers(1, 100),
    most=st.none() | st.integers(1, 10**6),
)
def test_no_fen_is_taken_off_twice_or_invented(prices, amount, percent, most):
    """The shares sum to what the coupon takes off, no line costs less than nothing, other goods keep their prices."""
    terms = {"off_amount": amount} if amount else {"off_percent": percent, "off_most": most}
    answer = tried(
        terms | {"only_categories": "books"}, *[(p, "books" if fits else "tea", "", "") for p, fits in prices]
    )
    fitting = sum(price for price, fits in prices if fits)
    assert all(0 <= share <= price for share, (price, _fits) in zip(answer.shares, prices, strict=True))
    assert all(not share for share, (_price, fits) in zip(answer.shares, prices, strict=True) if not fits)
    if not answer.reasons:
        assert answer.off == Reward(kind="coupon", **terms).off(fitting) <= fitting


@pytest.mark.parametrize(
    ("terms", "cash", "off"),
    [({"off_percent": 15}, 999, 150), ({"off_percent": 50}, 1, 0), ({"off_percent": 50}, 3, 1)],
)
def test_what_a_percentage_leaves_is_rounded_half_up(terms, cash, off):
    assert Reward(**terms).off(cash) == off


def test_the_terms_read_like_a_sentence():
    terms = Reward(off_amount=3000, least_spend=20_000, only_categories="books")
    assert coupons.sentence(terms, days=30) == "30.00 CNY off from 200.00 CNY, for books, good for 30 days"
    terms = Reward(off_percent=15, off_most=5000, only_stores="acme", only_skus="s-1, s-2")
    assert (
        coupons.sentence(terms, stores={"acme": "ACME"}) == "15 % off, at most 50.00 CNY, at ACME, only SKU s-1 / s-2"
    )
    assert coupons.sentence(Reward()) == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    "terms",
    [
        {"kind": "gift", "off_amount": 5},
        {"kind": "gift", "only_skus": "x"},
        {"off_amount": 5, "off_percent": 5},
        {"off_amount": 5, "off_most": 5},
        {"off_amount": 0},
        {"off_percent": 101},
    ],
)
def test_the_database_refuses_terms_that_make_no_sense(terms):
    with pytest.raises(IntegrityError), transaction.atomic():
        a_reward(**({"kind": "coupon"} | terms))


@pytest.mark.django_db
def test_a_coupon_of_nobody_is_held_by_nobody(alice):
    a_reward(kind="coupon", off_amount=5)
    assert coupons.held(alice, NOON) == []
