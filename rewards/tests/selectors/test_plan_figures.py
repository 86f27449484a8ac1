"""How a plan does (domain.md S1-23)."""

import datetime as dt

import pytest

from loyalty.models import MemberStats
from members.models import Member
from members.services import plan_purchases
from members.services.plan_quotes import Buyer
from members.services.plan_refunds import Use
from members.tests.plus import BOB, DAY, NOON, a_member, buy, direct, plus
from rewards.selectors import plan_figures

pytestmark = pytest.mark.django_db


def spent(member: Member, cash: int, orders: int = 1) -> None:
    MemberStats.objects.create(
        member=member, measured_at=NOON, net_cash_12m=cash, orders_12m=orders, lifecycle="active", lifecycle_since=NOON
    )


def test_members_of_the_plan_are_held_against_others_who_buy():
    offer = plus()
    for name, cash in (("alice", 300_00), ("bob", 101_00)):
        member = a_member(name)
        buy(member, offer, payment=name)
        spent(member, cash)
    spent(a_member("charlie"), 50_00)
    spent(a_member("dora"), 0, orders=0)
    found = plan_figures.of(offer.plan, NOON)
    assert (found.members, found.spend_with, found.spend_without) == (2, 200_50, 50_00)


def test_a_term_is_renewed_by_the_next_one_within_thirty_days():
    offer = plus(trial_days=5)
    ends = []
    for name, gap in (("alice", 0), ("bob", 29), ("charlie", 31), ("dora", None)):
        member = a_member(name)
        first = buy(member, offer, payment=name).subscription
        ends.append(first.ends_at)
        if gap is not None:
            buy(member, offer, first.ends_at + gap * DAY, payment=f"{name}-2")
    plan_purchases.try_out(a_member("eve"), offer, direct(), Buyer(), NOON)
    given_back = buy(a_member("fay"), offer, payment="fay")
    plan_purchases.refund(given_back.uuid, Use(), reason="", actor=BOB, at=NOON)
    found = plan_figures.of(offer.plan, max(ends) + 60 * DAY)
    assert (found.ended, found.renewed, found.renewal_percent) == (4, 2, 50)


def test_a_plan_that_nobody_has_claims_nothing():
    found = plan_figures.of(plus().plan, NOON)
    assert (found.members, found.spend_with, found.renewal_percent) == (0, None, None)


def test_revenue_of_a_plan_is_the_sum_of_its_purchases():
    offer = plus(refunds="prorata", ahead_days=5000)
    bought = [buy(a_member(f"m-{n}"), offer, NOON + n * 3 * DAY, payment=str(n)) for n in range(5)]
    plan_purchases.refund(bought[0].uuid, Use(), reason="", actor=BOB, at=NOON + 14 * DAY)
    found = plan_figures.of(offer.plan, NOON + 20 * DAY).revenue
    today = (NOON + 20 * DAY).date()
    each = [plan_figures.plan_revenue.of(row, today) for row in _fresh(bought)]
    assert found == sum(each[1:], each[0])


def _fresh(bought):
    for row in bought:
        row.refresh_from_db()
    return bought


def test_the_figures_take_the_same_queries_for_one_member_and_for_many(django_assert_max_num_queries):
    offer = plus()
    for number in range(8):
        buy(a_member(f"m-{number}"), offer, NOON + dt.timedelta(hours=number), payment=str(number))
    with django_assert_max_num_queries(9):
        plan_figures.of(offer.plan, NOON + DAY)
