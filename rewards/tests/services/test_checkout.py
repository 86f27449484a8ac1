import random
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.problems import InvalidInput
from loyalty.models import Account, Campaign, CapCounter, GrowthPolicy, Programme, Standing
from loyalty.selectors import members as selectors
from loyalty.selectors import programme
from loyalty.services.occasions import Item
from loyalty.tests.api.callers import grant, one_point_per_yuan
from loyalty.tests.stage import DAY, NOON, a_campaign, a_growth_policy, a_ladder, a_rule, give, line, order, send
from members.models import PlanOffer
from members.tests import plus
from merchants.tests import buyers
from rewards.models import Redemption
from rewards.selectors import baskets
from rewards.services import checkout
from rewards.tests import perks
from rewards.tests.shop import a_reward, redeem

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


@pytest.mark.parametrize("value", [(1, 100), (3, 1), (3, 2), (100, 7)])
def test_the_lines_are_paid_with_what_the_points_are_worth_whatever_that_is(alice, value):
    programme.current()
    Programme.objects.update(point_value_points=value[0], point_value_money=value[1], tender_step=1)
    answer = quote(*[goods(cash, str(cash)) for cash in (333, 3, 5, 7, 334)], balance=100_001, owner=alice)
    assert answer.max_points % answer.points_step == 0
    assert all(line.cash >= 0 for line in answer.lines)
    assert sum(line.cash for line in answer.lines) == 682 - answer.points_value


def test_what_will_be_earned_counts_the_cash_that_is_paid(alice):
    one_point_per_yuan()
    answer = quote(goods(10_000), balance=5000, owner=alice)
    assert (answer.points_to_earn, answer.points_to_earn_with_points) == (100, 50)


def test_what_will_be_earned_knows_the_caps_that_are_left(alice):
    version = one_point_per_yuan(cap_member=120)
    account = grant(alice, 1)
    CapCounter.objects.create(account=account, rule=version.rule, window="ever", used=100)
    assert quote(goods(10_000)).points_to_earn == 20


def test_a_member_who_never_earned_is_quoted_with_her_plan_and_under_the_caps(alice):
    """Plans are bought before the first point: what they multiply, and what rules may give at most, holds at once."""
    now = timezone.now()
    one_point_per_yuan(cap_member=120)
    a_rule("plus", formula="multiplier", multiplier_percent=200, conditions=[("member.plan", "is", "plus")])
    buyers.subscribed(alice, buyers.a_plan(), starts_at=now - DAY, ends_at=now + DAY)
    told = [quote(goods(cash)).points_to_earn for cash in (10_000, 50_000)]
    assert told == [200, 620]
    assert send("order.completed", at=now, **order("o-1", line(cash=50_000)))["effects"]["points"]["earned"] == 620


def test_what_will_be_earned_knows_what_a_campaign_its_purse_and_its_caps_have_left(alice):
    now = timezone.now()
    funder = Account.objects.create(kind=Account.Kind.PURSE, available=45)
    campaign = a_campaign(starts_at=now - DAY, ends_at=now + DAY, budget=100, spent=40)
    for code in ("first", "second"):
        a_rule(code, money_unit=100, points=1, campaign=campaign, cap_member=50)
    with CaptureQueriesContext(connection) as asked:
        told = [quote(goods(cash)).points_to_earn for cash in (2_000, 10_000)]
    assert told == [40, 60]
    assert not [query for query in asked.captured_queries if "FOR UPDATE" in query["sql"]]
    Campaign.objects.update(funder=funder)
    assert quote(goods(10_000)).points_to_earn == 45
    Campaign.objects.update(funder=None, budget=None)
    earned = send("order.completed", at=now, **order("o-1", line(cash=4_000)))["effects"]["points"]["earned"]
    assert earned == 80
    assert quote(goods(10_000)).points_to_earn == 20


def test_rules_about_an_orders_attributes_are_quoted_if_the_attributes_are_told(alice):
    one_point_per_yuan()
    a_rule("gift", formula="fixed", points=7, conditions=[("order.custom", "is", "yes", "gift")])
    member = selectors.with_wallets().get(external_id="alice")
    basket = {"channel": "app", "at": timezone.now()}
    told = [checkout.quote(member, [goods(10_000)], attributes=said, **basket) for said in (None, {"gift": "yes"})]
    assert [one.points_to_earn for one in told] == [100, 107]


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
    with django_assert_max_num_queries(15):
        quote(*[goods(4000, str(number)) for number in range(50)])


# Prices, shipping, plans --------------------------------------------------------------------------------------


@pytest.fixture
def acme(alice):
    """A merchant whose sku-1 costs members of silver 80.00, and with PLUS, which is on sale, 70.00."""
    merchant = buyers.a_merchant("acme", "acme-1")
    now = timezone.now()
    buyers.a_price(merchant, 8000, tier=perks.tier("silver"), starts_at=now)
    buyers.a_price(merchant, 7000, plan=plus.plus().plan, starts_at=now)
    return merchant


def shelf(cash=10_000, number="1", **fields):
    return goods(cash, number, **({"sku": "sku-1", "store": "acme-1"} | fields))


def test_points_pay_and_earn_on_the_members_price(alice, acme):
    one_point_per_yuan()
    a_growth_policy()
    buyers.in_tier(alice, perks.tier("silver"))
    answer = quote(shelf(), balance=9_000, owner=alice)
    assert answer.lines[0].price == 8_000
    assert (answer.max_points, answer.lines[0].cash) == (4_000, 4_000)
    assert (answer.points_to_earn, answer.points_to_earn_with_points) == (80, 40)
    assert (answer.growth_to_earn, answer.growth_to_earn_with_points) == (80, 40)


def test_a_price_and_a_discount_are_never_both_taken_off_the_same_line(alice, acme):
    """domain.md F22: the better one counts."""
    buyers.in_tier(alice, perks.tier("silver"))
    books = perks.benefit("books", kind="category_discount", category="books")
    perks.grant(books, value=15)
    lines = quote(shelf(category="books"), shelf(10_000, "2", category="books", sku="sku-2")).lines
    assert [(line.price, line.because) for line in lines] == [(8_000, "Silver price"), (8_500, "15 % off books")]


@pytest.mark.parametrize(("cash", "percent", "left"), [(999, 15, 849), (1, 50, 1), (333, 10, 300), (100, 0, 100)])
def test_a_discount_is_rounded_half_up(cash, percent, left):
    assert baskets.discount(cash, percent) == left


def test_shipping_is_free_from_a_sum_of_goods_at_the_members_prices(alice, acme):
    buyers.in_tier(alice, perks.tier("silver"))
    perks.grant(perks.benefit("shipping", kind="free_shipping"), value=8_000)
    member = selectors.with_wallets().get(external_id="alice")

    def freight(*items):
        basket = checkout.quote(member, items, channel="", at=timezone.now(), freight=600).basket
        return basket.freight_to_pay, basket.missing_for_free_shipping

    assert freight(shelf()) == (0, None)
    assert freight(goods(7_999)) == (600, 1)
    assert freight(goods(7_999), goods(500, "2", virtual=True)) == (600, 1)


def test_without_an_entitlement_shipping_is_never_free(alice):
    member = selectors.with_wallets().get(external_id="alice")
    basket = checkout.quote(member, [goods(10**6)], channel="", at=timezone.now(), freight=600).basket
    assert (basket.freight_to_pay, basket.free_shipping_from, basket.missing_for_free_shipping) == (600, None, None)


def test_what_a_plan_would_save_counts_prices_freight_and_points_on_this_basket(alice, acme):
    """S1-22. Points are those of the lower price, less what would be earned without the plan."""
    one_point_per_yuan()
    a_rule("plus", formula="multiplier", multiplier_percent=300, conditions=[("member.plan", "is", "plus")])
    perks.grant(perks.benefit("plus-shipping", kind="free_shipping"), buyers.a_plan(), value=5_000)
    member = selectors.with_wallets().get(external_id="alice")
    told = checkout.quote(member, [shelf()], channel="", at=timezone.now(), freight=600)
    (saving,) = told.plans
    assert told.points_to_earn == 100
    assert (saving.prices, saving.freight, saving.points, saving.points_value) == (3_000, 600, 110, 110)
    assert saving.total == 3_710


def test_a_plan_that_would_save_nothing_or_is_had_already_is_not_offered(alice, acme):
    now = timezone.now()
    assert quote(goods(10_000)).plans == []
    buyers.subscribed(alice, buyers.a_plan(), starts_at=now, ends_at=now + DAY)
    answer = quote(shelf())
    assert (answer.plans, answer.lines[0].price) == ([], 7_000)


def test_a_plan_that_nobody_can_buy_is_not_offered(alice, acme):
    PlanOffer.objects.update(ends_at=timezone.now())
    assert quote(shelf()).plans == []


def test_fewer_points_at_a_lower_price_are_taken_from_what_a_plan_saves(alice, acme):
    one_point_per_yuan()
    (saving,) = quote(shelf()).plans
    assert (saving.prices, saving.points, saving.total) == (3_000, -30, 2_970)


def test_only_coupons_that_can_still_be_used_are_told(alice):
    now = timezone.now()
    give(1000, at=now)
    kept, used, gift = (redeem(a_reward(kind=kind), at=now) for kind in ("coupon", "coupon", "gift"))
    Redemption.objects.filter(pk=used.pk).update(status="used")
    assert [one.redemption.pk for one in quote(goods(100)).coupons] == [kept.pk]
    assert gift.reward.kind == "gift"
    Redemption.objects.filter(pk=kept.pk).update(expires_at=now)
    assert quote(goods(100)).coupons == []


def coupons_of(*terms):
    """Alice holds coupons with these terms; their codes."""
    now = timezone.now()
    give(1000, at=now)
    return [redeem(a_reward(kind="coupon", **each), at=now).code.code for each in terms]


def quote_with(coupon, *basket, **more):
    member = selectors.with_wallets().get(external_id="alice")
    return checkout.quote(member, list(basket), channel="app", at=timezone.now(), coupon=coupon, **more)


def test_a_coupon_comes_after_the_members_price_and_before_points(alice, acme):
    """Declared: member price, then coupon, then points. 100.00 → silver 80.00 → coupon 70.00 → points for half of it."""
    one_point_per_yuan()
    buyers.in_tier(alice, perks.tier("silver"))
    (code,) = coupons_of({"off_amount": 1000, "least_spend": 8_000})
    give(9_000, at=timezone.now())
    answer = quote_with(code, shelf())
    (paid,) = answer.lines
    assert (paid.list_price, paid.price, paid.coupon, paid.points, paid.cash) == (10_000, 8_000, 1_000, 3_000, 4_000)
    assert (answer.points_to_earn, answer.points_to_earn_with_points) == (70, 40)
    assert answer.coupon.off == 1_000


def test_each_coupon_says_what_it_takes_off_or_why_not(alice):
    coupons_of(
        {"off_amount": 500}, {"off_percent": 10, "only_categories": "tea"}, {"off_amount": 9, "least_spend": 4_001}
    )
    told = quote(goods(4_000, category="books")).coupons
    assert [(one.off, [reason["code"] for reason in one.reasons]) for one in told] == [
        (500, []),
        (0, ["no_line_fits"]),
        (0, ["least_spend"]),
    ]


def test_a_coupon_is_judged_at_the_members_price_not_at_the_list_price(alice, acme):
    buyers.in_tier(alice, perks.tier("silver"))
    (code,) = coupons_of({"off_amount": 500, "least_spend": 8_001})
    with pytest.raises(checkout.CouponRefused) as refused:
        quote_with(code, shelf())
    assert refused.value.extra["reasons"] == [{"code": "least_spend", "detail": "0.01 CNY are missing.", "missing": 1}]


def test_a_coupon_of_somebody_else_a_used_one_and_an_invented_one_are_unknown(alice, bob):
    (code,) = coupons_of({"off_amount": 500})
    Redemption.objects.update(status="used")
    give(1000, "bob", at=timezone.now())
    his = redeem(a_reward(kind="coupon", off_amount=5), "bob", at=timezone.now()).code.code
    for unknown in (code, his, "NOPE"):
        with pytest.raises(InvalidInput) as refused:
            quote_with(unknown, goods(4_000))
        assert refused.value.errors[0]["code"] == "unknown_coupon"


def test_free_shipping_looks_at_goods_after_the_coupon(alice):
    perks.grant(perks.benefit("shipping", kind="free_shipping"), value=5_000)
    buyers.in_tier(alice, perks.tier("bronze"))
    (code,) = coupons_of({"off_amount": 500})
    without, used = quote_with("", goods(5_000), freight=600), quote_with(code, goods(5_000), freight=600)
    assert (without.basket.freight_to_pay, used.basket.freight_to_pay) == (0, 600)
    assert used.basket.missing_for_free_shipping == 500


def test_a_plan_saves_no_fen_that_a_coupon_takes_off(alice, acme):
    """domain.md F22: at the plan's price the coupon takes off less, or nothing at all."""
    half, big = coupons_of({"off_percent": 50}, {"off_amount": 1_000, "least_spend": 8_000})
    assert [saving.prices for saving in quote_with(half, shelf()).plans] == [1_500]
    assert [saving.prices for saving in quote_with(big, shelf()).plans] == [2_000]


@contextmanager
def undone():
    """What is done inside is rolled back. A savepoint of its own: the inbox opens durable transactions."""
    point = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(point)


LINES = st.lists(
    st.tuples(
        st.integers(1, 30_000),  # list price of one
        st.integers(1, 3),  # quantity
        st.sampled_from(["sku-1", "sku-2", ""]),
        st.sampled_from(["acme-1", "acme-2", ""]),
        st.sampled_from(["books", "cards", "tea"]),
        st.booleans(),  # virtual
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=LINES,
    points=st.integers(1, 60_000),
    caps=st.tuples(*[st.none() | st.integers(1, 300)] * 3),
    price=st.integers(1, 20_000),
    percent=st.sampled_from([0, 5, 30]),
    coefficient=st.sampled_from([0, 100, 130]),
    is_plus=st.booleans(),
    terms=st.none()
    | st.fixed_dictionaries(
        {"off_amount": st.integers(1, 20_000), "only_categories": st.sampled_from(["", "tea", "tea, books"])}
    )
    | st.fixed_dictionaries({"off_percent": st.integers(1, 100), "least_spend": st.integers(0, 30_000)}),
)
def test_what_is_quoted_is_what_completion_does(db, lines, points, caps, price, percent, coefficient, is_plus, terms):
    """Points spent, points earned and growth, with the most points and without any, at member prices, discounts and
    with a coupon, if it applies."""
    at = NOON
    with undone():
        a_ladder()
        a_growth_policy(excluded_categories="cards", activity_needs_order=False)
        a_rule("basic", money_unit=100, points=1, cap_item=caps[0], cap_order=caps[1], cap_day=caps[2])
        a_rule("plus", formula="multiplier", multiplier_percent=200, conditions=[("member.plan", "is", "plus")])
        a_rule("new", formula="fixed", points=7, conditions=[("order.first", "is", "yes")])
        member = buyers.a_member()
        give(points, at=at)
        acme = buyers.a_merchant("acme", "acme-1", "acme-2")
        Standing.objects.filter(member=member).update(tier=perks.tier("silver"), coefficient_percent=coefficient)
        buyers.a_price(acme, price, tier=perks.tier("silver"))
        buyers.a_price(acme, max(price // 2, 1), plan=buyers.a_plan(), store=acme.stores.get(code="acme-2"))
        if percent:
            perks.grant(perks.benefit("off", kind="category_discount", category="tea"), value=percent)
        if is_plus:
            buyers.subscribed(member, buyers.a_plan())
        basket = [
            Item(str(n), sku=sku, store=store, category=category, quantity=pieces, cash=each * pieces, virtual=virtual)
            for n, (each, pieces, sku, store, category, virtual) in enumerate(lines)
        ]
        if terms:
            give(100, at=at)
            redeem(a_reward(kind="coupon", **terms), at=at)
        shopper = selectors.with_wallets().get(pk=member.pk)
        told = checkout.quote(shopper, basket, channel="app", at=at, freight=500)
        if (applying := next((one for one in told.coupons if one.off), None)) is not None:
            told = checkout.quote(
                shopper, basket, channel="app", at=at, freight=500, coupon=applying.redemption.code.code
            )
            assert [line.coupon for line in told.lines] == applying.shares
        assert all(line.price - line.coupon - line.points == line.cash >= 0 for line in told.lines)
        assert sum(line.points for line in told.lines) == told.max_points <= points
        for with_points in (False, True):
            sold = [
                line(
                    item.number,
                    quoted.cash if with_points else quoted.price - quoted.coupon,
                    points=quoted.points if with_points else 0,
                    sku=item.sku,
                    store=item.store,
                    category=item.category,
                    quantity=item.quantity,
                    virtual=item.virtual,
                )
                for item, quoted in zip(basket, told.lines, strict=True)
            ]
            with undone():
                effects = send("order.completed", at=at, channel="app", **order("o-1", *sold))["effects"]
            earned = told.points_to_earn_with_points if with_points else told.points_to_earn
            growth = told.growth_to_earn_with_points if with_points else told.growth_to_earn
            assert effects["points"]["earned"] == earned
            assert effects["points"].get("spent", 0) == (told.max_points if with_points else 0)
            assert effects["growth"] == {"added": growth}
