"""What a sponsor owes, month by month: what was given back later does not change a month that is over."""

import datetime as dt

import pytest

from loyalty.tests.stage import DAY, NOON
from merchants.tests import buyers
from rewards.models import Benefit, Redemption, Reward
from rewards.selectors import sponsor_statements, sponsorships
from rewards.services import benefits, gifts, redemptions
from rewards.tests import perks
from rewards.tests.shop import STAFF, a_member, a_reward, redeem

pytestmark = pytest.mark.django_db

MARCH, APRIL, MAY = (dt.date(2026, month, 1) for month in (3, 4, 5))
IN_APRIL = NOON + 31 * DAY


@pytest.fixture
def acme(db):
    return buyers.a_merchant("acme", "acme-1")


@pytest.fixture
def mug(acme):
    """8.01 a piece, of which ACME bears 40 %, rounded down: 3.20."""
    return a_reward("mug", unit_cost=801, merchant=acme, merchant_percent=40)


def told(merchant, first=MARCH, end=MAY):
    lines = sponsor_statements.of(merchant, first, end)
    return {(line.month, line.subject and line.subject.code): (line.taken, line.back, line.owed) for line in lines}


def use(code, store, key, at=NOON):
    return benefits.use(perks.member(), code, at, key=key, store=store)


def a_benefit(code, issuer, price=500, **values):
    perks.grant(perks.benefit(code, settlement_price=price, issuer=issuer, **values))


def test_what_was_taken_or_given_is_owed_for_by_the_sponsors_share(mug, acme):
    a_member()
    redeem(mug)
    redeem(mug)
    gifts.give([gifts.Want(Redemption.objects.first().member, mug, "a test")], actor=STAFF, at=NOON)
    assert told(acme) == {(MARCH, "mug"): (3, 0, 3 * 320)}


def test_what_is_given_back_in_the_same_month_costs_nothing(mug, acme):
    a_member()
    redemptions.cancel(redeem(mug).uuid, reason="No", actor=STAFF, at=NOON)
    assert told(acme) == {(MARCH, "mug"): (1, 1, 0)}


def test_what_is_given_back_later_is_deducted_in_the_month_of_that(mug, acme):
    a_member()
    taken = redeem(mug)
    redemptions.cancel(taken.uuid, reason="No", actor=STAFF, at=IN_APRIL)
    assert told(acme) == {(MARCH, "mug"): (1, 0, 320), (APRIL, "mug"): (0, 1, -320)}


def test_months_begin_at_midnight_in_shanghai(mug, acme):
    a_member()
    midnight = dt.datetime(2026, 3, 31, 16, tzinfo=dt.UTC)
    first = redeem(mug, at=midnight - dt.timedelta(seconds=1))
    redemptions.cancel(first.uuid, reason="No", actor=STAFF, at=midnight)
    assert told(acme) == {(MARCH, "mug"): (1, 0, 320), (APRIL, "mug"): (0, 1, -320)}
    assert told(acme, MARCH, APRIL) == {(MARCH, "mug"): (1, 0, 320)}


def test_the_price_and_the_sponsor_of_the_taking_hold(mug, acme):
    a_member()
    redeem(mug)
    Reward.objects.update(unit_cost=99_99, merchant=buyers.a_merchant("charlie"))
    assert told(acme) == {(MARCH, "mug"): (1, 0, 320)}
    assert told(buyers.a_merchant("charlie")) == {}


def test_the_operators_report_says_the_same(mug, acme):
    a_member()
    taken = redeem(mug)
    redeem(mug)
    redemptions.cancel(taken.uuid, reason="No", actor=STAFF, at=IN_APRIL)
    for month, owed in ((MARCH, 640), (APRIL, -320)):
        (found,) = sponsorships.of(month)
        assert (found.merchant, found.owed) == (acme, owed)
    assert sponsorships.of(MAY) == []


def test_an_issuer_owes_for_uses_elsewhere_and_nothing_for_those_at_its_own_stores(acme):
    buyers.a_merchant("shine", "shine-1")
    a_benefit("wash", acme)
    for number, store in enumerate(("acme-1", "shine-1", "")):
        use("wash", store, f"k-{number}")
    assert told(acme) == {(MARCH, "wash"): (3, 0, 10_00)}


def test_a_store_gets_for_what_others_issued_in_one_sum(acme):
    a_benefit("wash", buyers.a_merchant("shine", "shine-1"))
    a_benefit("coffee", None, price=200)
    a_benefit("free", None, price=0)
    for code in ("wash", "coffee", "free"):
        use(code, "acme-1", "k")
    assert told(acme) == {(MARCH, None): (2, 0, -7_00)}


def test_a_use_that_is_given_back_later_counts_in_the_month_of_that_at_its_own_price(acme):
    shine = buyers.a_merchant("shine", "shine-1")
    a_benefit("wash", acme)
    row = use("wash", "shine-1", "k")
    Benefit.objects.update(settlement_price=9_00)
    benefits.give_back(perks.member(), "wash", row.uuid, IN_APRIL)
    assert told(acme) == {(MARCH, "wash"): (1, 0, 5_00), (APRIL, "wash"): (0, 1, -5_00)}
    assert told(shine) == {(MARCH, None): (1, 0, -5_00), (APRIL, None): (0, 1, 5_00)}


def test_a_statement_costs_eight_queries_however_much_there_is(mug, acme, django_assert_num_queries):
    a_member(points=10_000)
    for number in range(10):
        redeem(a_reward(f"more-{number}", unit_cost=100, merchant=acme, merchant_percent=100))
        a_benefit(f"wash-{number}", acme)
        use(f"wash-{number}", "", "k")
    with django_assert_num_queries(8):
        assert len(sponsor_statements.of(acme, MARCH, MAY)) == 20
