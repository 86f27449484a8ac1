"""What a plan would have saved and has saved (domain.md F22)."""

import datetime as dt

import pytest

from loyalty.tests.stage import a_rule, line, order, send, set_programme
from members.models import Member, Plan, PlanPurchase
from members.services import members
from members.tests.plus import DAY, NOON, buy, plus
from merchants.models import MemberPrice, Merchant, Store
from rewards.models import Benefit, BenefitGrant, BenefitUse
from rewards.selectors import savings

pytestmark = pytest.mark.django_db
BEFORE = NOON - 60 * DAY


@pytest.fixture
def plan():
    offer = plus(starts_at=NOON - 400 * DAY)
    acme = Merchant.objects.create(code="acme", name="Acme")
    Store.objects.create(merchant=acme, code="acme-shop", name="Acme")
    MemberPrice.objects.create(
        merchant=acme,
        sku="sku-1",
        who="plan",
        plan=offer.plan,
        price=8_000,
        starts_at=NOON - 400 * DAY,
        created_at=NOON,
        changed_at=NOON,
    )
    return offer.plan


@pytest.fixture
def tenfold(plan):
    a_rule("base")
    a_rule(
        "plus", formula="multiplier", multiplier_percent=1000, priority=-10, conditions=[("member.plan", "is", "plus")]
    )


def bought(number: int, at: dt.datetime = BEFORE, *lines: dict, **data) -> None:
    content = order(f"o-{number}", *(lines or [line(1, 10_000, store="acme-shop")]), **data)
    assert send("order.completed", at=at, **content)["status"] == "applied"


def alice() -> Member:
    return Member.objects.get(external_id="alice")


def estimate(plan: Plan) -> savings.Saving:
    return savings.estimate(alice(), plan, NOON)


def test_the_estimate_compares_what_was_paid_with_the_plans_prices(plan):
    for number in range(3):
        bought(number)
    found = estimate(plan)
    assert (found.orders, found.spent, found.prices, found.total) == (3, 30_000, 6_000, 6_000)
    assert found.is_claimed
    assert found.break_even(14_900) == 74_500


def test_nothing_is_claimed_for_fewer_than_three_orders(plan):
    bought(1)
    bought(2)
    assert not estimate(plan).is_claimed


def test_orders_of_a_member_who_was_merged_into_her_count(plan):
    """domain.md E58."""
    bought(1)
    for number in (2, 3):
        content = order(f"o-{number}", line(1, 10_000, store="acme-shop"))
        send("order.completed", "bob", at=BEFORE, **content)
    members.merge("bob", "alice", NOON)
    found = estimate(plan)
    assert (found.orders, found.prices, found.is_claimed) == (3, 6_000, True)


def test_orders_of_more_than_twelve_months_ago_do_not_count(plan):
    bought(1, NOON - 366 * DAY)
    bought(2)
    assert estimate(plan).orders == 1


def test_who_paid_less_than_the_plans_price_saves_nothing(plan):
    bought(1, BEFORE, line(1, 7_900, store="acme-shop"))
    assert estimate(plan).prices == 0


def test_a_coupon_and_the_plans_price_never_count_on_the_same_cent(plan):
    """100.00 less a coupon of 15.00 is 85.00; the plan's price of 80.00 would have saved 5.00, not 20.00."""
    bought(1, BEFORE, line(1, 8_500, discount=1_500, store="acme-shop"))
    assert estimate(plan).prices == 500


def test_points_that_paid_count_as_what_they_were_worth(plan):
    set_programme(tender_step=1)
    from loyalty.tests.stage import give

    give(5_000, at=BEFORE)
    bought(1, BEFORE, line(1, 5_000, points=5_000, store="acme-shop"))
    assert estimate(plan).prices == 2_000


def test_what_came_back_saved_nothing(plan):
    bought(1, BEFORE, line(1, 20_000, quantity=2, store="acme-shop"))
    data = {"order": "o-1", "refund": "r", "reason": "defect", "lines": [{"line": "1", "quantity": 1}], "cash": 10_000}
    send("order.refunded", at=BEFORE + DAY, **data)
    assert estimate(plan).prices == 2_000
    send("order.refunded", at=BEFORE + DAY, **data | {"refund": "s"})
    assert estimate(plan).orders == 0


def test_more_points_are_reckoned_on_the_plans_price(plan, tenfold):
    bought(1)
    # With the plan 800 points on 80.00, without it 100 on 100.00: 700 more, 7.00.
    assert estimate(plan).points == 700


def test_a_monthly_cap_bounds_the_estimate_as_it_bounds_the_member(plan):
    a_rule("base")
    a_rule(
        "plus", formula="multiplier", multiplier_percent=1000, priority=-10, cap_month=1_000,
        conditions=[("member.plan", "is", "plus")],
    )  # fmt: skip
    other = [line(1, 10_000, sku="sku-2")]
    for number in range(3):
        bought(number, BEFORE, *other)
    assert estimate(plan).points == 1_000
    bought(4, BEFORE + 35 * DAY, *other)
    assert estimate(plan).points == 1_900


def test_freight_is_saved_where_the_plan_ships_free(plan):
    benefit = Benefit.objects.create(code="free-shipping", name="Free shipping", kind="free_shipping")
    BenefitGrant.objects.create(
        benefit=benefit, audience="plan", plan=plan, value=9_000, status="active", effective_from=BEFORE - DAY,
        drafted_at=BEFORE, activated_at=BEFORE,
    )  # fmt: skip
    bought(1, BEFORE, line(1, 10_000, store="acme-shop", sku="other"), freight=600)
    bought(2, BEFORE, line(1, 8_900, store="acme-shop", sku="other"), freight=600)
    assert estimate(plan).freight == 600


def purchased(plan: Plan) -> PlanPurchase:
    offer = plan.offers.get()
    member = Member.objects.create(external_id="alice", registered_at=NOON - 900 * DAY)
    return buy(member, offer, BEFORE - DAY)


def test_the_meter_counts_what_the_discount_really_was(plan):
    purchase = purchased(plan)
    bought(1, BEFORE, line(1, 8_000, discount=2_000, store="acme-shop"))
    found = savings.saved(purchase, NOON)
    assert (found.orders, found.prices) == (1, 2_000)


def test_the_meter_forgets_orders_before_the_term_and_after_it(plan):
    purchase = purchased(plan)
    paid = [line(1, 8_000, discount=2_000, store="acme-shop")]
    bought(1, BEFORE - 2 * DAY, *paid)
    bought(2, BEFORE + 400 * DAY, *paid)
    assert savings.saved(purchase, BEFORE + 500 * DAY).orders == 0


def test_the_meter_counts_benefits_that_were_used_and_not_given_back(plan):
    purchase = purchased(plan)
    benefit = Benefit.objects.create(code="pickup", name="Pick-up", kind="free_returns")
    BenefitGrant.objects.create(
        benefit=benefit, audience="plan", plan=plan, status="active", effective_from=BEFORE - DAY,
        drafted_at=BEFORE, activated_at=BEFORE,
    )  # fmt: skip
    day = BEFORE.date()
    values = {"member": alice(), "benefit": benefit, "source": "PLUS", "cost": 1_200, "at": BEFORE, "used_on": day}
    BenefitUse.objects.create(key="1", **values)
    BenefitUse.objects.create(key="2", given_back_at=NOON, given_back_on=NOON.date(), **values)
    assert savings.saved(purchase, NOON).benefits == 1_200


def test_a_term_is_used_by_a_price_by_points_or_by_a_benefit_and_else_not(plan):
    purchase = purchased(plan)
    assert savings.use_of(purchase, NOON) == savings.Use(False, 0)
    bought(1, BEFORE, line(1, 10_000, sku="other", store="acme-shop"))
    assert not savings.use_of(purchase, NOON).used
    bought(2, BEFORE, line(1, 8_000, discount=2_000, store="acme-shop"))
    assert savings.use_of(purchase, NOON) == savings.Use(True, 2_000)


def test_an_estimate_takes_the_same_queries_for_three_orders_and_for_thirty(
    plan, tenfold, django_assert_max_num_queries
):
    for number in range(30):
        bought(number)
    with django_assert_max_num_queries(30):
        assert estimate(plan).orders == 30


def test_who_has_bought_cheaply_has_used_the_plan_before_the_parcel_arrives(plan):
    purchase = purchased(plan)
    content = order("o-1", line(1, 8_000, discount=2_000, store="acme-shop"))
    send("order.paid", at=BEFORE, **content)
    assert savings.saved(purchase, NOON).total == 0
    assert savings.use_of(purchase, NOON) == savings.Use(True, 2_000)
    send("order.cancelled", at=BEFORE + DAY, order="o-1")
    assert savings.use_of(purchase, NOON) == savings.Use(False, 0)


def test_the_meter_counts_by_the_time_of_the_order_not_of_the_parcel(plan):
    purchase = purchased(plan)
    term = purchase.subscription
    paid = [line(1, 8_000, discount=2_000, store="acme-shop")]
    bought(1, term.ends_at + DAY, *paid, paid_at=(term.ends_at - DAY).isoformat())
    bought(2, term.starts_at + DAY, *paid, paid_at=(term.starts_at - DAY).isoformat())
    assert savings.saved(purchase, term.ends_at + 9 * DAY).orders == 1
