"""What a sponsor's money has brought (domain.md S2-58c)."""

import datetime as dt

import pytest

from loyalty.tests.stage import DAY, NOON, give, line, order, send
from merchants.tests import buyers
from rewards.models import Redemption
from rewards.selectors import sponsorships
from rewards.services import fulfilment, gifts, redemptions
from rewards.tests.arcade import a_game, play
from rewards.tests.shop import STAFF, a_member, a_reward, redeem

pytestmark = pytest.mark.django_db

MARCH = dt.date(2026, 3, 1)


@pytest.fixture
def acme(db):
    return buyers.a_merchant("acme", "acme-1", "acme-2")


@pytest.fixture
def coupon(acme):
    """8.01 a piece, of which ACME bears 40 %, rounded down."""
    return a_reward("off", kind="coupon", off_amount=500, unit_cost=801, merchant=acme, merchant_percent=40)


def the_only():
    (found,) = sponsorships.of(MARCH)
    return found


def test_rewards_members_and_who_paid_are_counted_by_sponsor(coupon, acme):
    for name in ("alice", "bob"):
        a_member(name)
    redeem(coupon)
    redeem(coupon)
    redeem(coupon, "bob")
    gifts.give([gifts.Want(Redemption.objects.first().member, coupon, "a test")], actor=STAFF, at=NOON)
    found = the_only()
    assert (found.merchant, found.taken, found.given, found.members) == (acme, 3, 1, 2)
    assert (found.sponsor_cost, found.platform_cost, found.cost) == (4 * 320, 4 * 481, 4 * 801)


def test_what_was_given_back_or_taken_in_another_month_or_without_a_sponsor_is_left_out(coupon):
    a_member()
    redemptions.give_back(redeem(coupon).uuid, reason="No", actor=STAFF, at=NOON)
    redeem(coupon, at=NOON + 31 * DAY)
    redeem(a_reward("own", kind="coupon"))
    assert sponsorships.of(MARCH) == []


def test_an_order_counts_once_with_its_cash_in_the_sponsors_stores_less_refunds(coupon):
    a_member()
    bought = (line(1, 6000, store="acme-1"), line(2, 1000, store="acme-2"), line(3, 4000, store="elsewhere"))
    send("order.completed", **order("o-1", *bought))
    send("order.completed", **order("o-2", line(1, 9000, store="elsewhere")))
    for code in ("o-1", "o-1", "o-2", "unknown", ""):
        fulfilment.use(redeem(coupon).uuid, order=code, actor=STAFF, at=NOON)
    back = {"refund": "r", "reason": "no_reason", "cash": 1000, "lines": [{"line": "2", "quantity": 1}]}
    send("order.refunded", order="o-1", **back)
    found = the_only()
    assert (found.used, found.orders, found.cash) == (5, 1, 6000)


def test_plays_of_games_with_a_prize_of_the_sponsors_count_once_each(coupon):
    prizes = [
        {"kind": "coupon", "price": 5, "weight": 1, "reward": coupon},
        {"kind": "coupon", "price": 5, "weight": 1, "reward": coupon},
    ]
    a_game("wheel", prizes=prizes)
    a_game("other")
    give(100)
    for code in ("wheel", "wheel", "other"):
        play(code)
    found = the_only()
    assert (found.plays, found.taken) == (2, 0)


def test_one_sponsor_sees_its_own_alone(coupon, acme):
    a_member()
    redeem(coupon)
    other = buyers.a_merchant("other", "other-1")
    redeem(a_reward("theirs", merchant=other, merchant_percent=100, unit_cost=1))
    assert [one.merchant for one in sponsorships.of(MARCH, [acme.pk])] == [acme]
    assert sponsorships.of(MARCH, []) == []


def test_the_report_costs_six_queries_however_much_there_is(coupon, django_assert_num_queries):
    a_member(points=10_000)
    for _number in range(20):
        redeem(coupon)
    with django_assert_num_queries(6):
        sponsorships.of(MARCH)
