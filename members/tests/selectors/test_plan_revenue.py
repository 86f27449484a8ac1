import contextlib
import datetime as dt

import hypothesis
import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from common import clock
from members.models import PlanOffer, PlanPurchase, Subscription
from members.selectors import plan_revenue
from members.selectors.plan_revenue import Revenue
from members.services import plan_purchases
from members.services.plan_refunds import Use
from members.tests.plus import BOB, DAY, NOON, a_member, buy, plus

TODAY = clock.local_date(NOON)


@pytest.mark.django_db
def test_a_fee_is_earned_day_by_day_to_the_last_cent():
    purchase = buy(a_member(), plus())
    assert plan_revenue.of(purchase, TODAY - DAY) == Revenue()
    assert plan_revenue.of(purchase, TODAY) == Revenue(14_900, 0, 40)  # 14,900/365 = 40.8
    assert plan_revenue.of(purchase, TODAY + 364 * DAY).earned == 14_900
    assert plan_revenue.of(purchase, TODAY + 900 * DAY).deferred == 0


@pytest.mark.django_db
def test_what_was_paid_back_is_not_earned_and_the_rest_is_at_once():
    purchase = buy(a_member(), plus(refunds="prorata"))
    plan_purchases.refund(purchase.uuid, Use(), reason="", actor=BOB, at=NOON + 3 * DAY)
    purchase.refresh_from_db()
    assert plan_revenue.of(purchase, TODAY + 2 * DAY) == Revenue(14_900, 0, 122)
    assert plan_revenue.of(purchase, TODAY + 3 * DAY) == Revenue(14_900, 14_777, 123)


@given(price=st.integers(0, 10**9), term=st.integers(1, 1000), days=st.integers(0, 1100))
def test_no_day_takes_back_what_was_earned_before(price, term, days):
    offer = PlanOffer(term_days=term)
    term_row = Subscription(starts_at=NOON, ends_at=NOON + term * DAY)
    purchase = PlanPurchase(offer=offer, price=price, subscription=term_row, paid_at=NOON, status="paid")
    one, other = (plan_revenue.of(purchase, TODAY + dt.timedelta(days=n)) for n in (days, days + 1))
    assert 0 <= one.earned <= other.earned <= price
    assert one.earned + one.deferred == price


@pytest.mark.django_db
@hypothesis.settings(max_examples=30)
@given(
    policy=st.sampled_from(PlanOffer.Refunds.values),
    prices=st.lists(st.integers(1, 10**6), min_size=1, max_size=3),
    day=st.integers(0, 400),
    value=st.integers(0, 10**5),
    claimed=st.sampled_from([0, 6_000]),
)
def test_money_is_conserved_whatever_is_paid_back(policy, prices, day, value, claimed):
    """What was sold is, in the end, earned or paid back, to the cent; and no later term earns before it begins."""
    with transaction.atomic():
        alice, at = a_member(), NOON + day * DAY
        bought = [
            buy(alice, plus(code=f"o-{n}", fee=fee, refunds=policy), payment=str(n)) for n, fee in enumerate(prices)
        ]
        with contextlib.suppress(plan_purchases.NothingToRefund):
            plan_purchases.refund(bought[0].uuid, Use(value > 0, value, claimed), reason="", actor=BOB, at=at)
        rows = list(PlanPurchase.objects.select_related("offer", "subscription"))
        transaction.set_rollback(True)
    for when in (0, day, day + 1, 5000):
        total = plan_revenue.total(rows, TODAY + when * DAY)
        assert total.sold - total.refunded == total.earned + total.deferred
        assert total.sold == sum(prices)
        assert total.earned >= 0
        assert total.deferred >= 0
    last = plan_revenue.total(rows, TODAY + 5000 * DAY)
    assert (last.deferred, last.earned) == (0, sum(prices) - last.refunded)
    assert last.refunded == sum(row.refund for row in rows) <= prices[0]
