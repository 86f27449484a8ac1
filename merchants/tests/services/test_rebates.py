import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common import clock
from common.models import JobRun
from common.problems import InvalidInput
from common.services.audit import Actor
from loyalty.models import Account, Lot, OrderLine, Programme
from loyalty.tests.proven import assert_proven
from members.models import Member
from merchants.models import Rebate, RebateScheme
from merchants.selectors import rebates as selector
from merchants.services import purses, rebates
from merchants.tests import purse_strings
from merchants.tests.buyers import NOON, a_member, a_merchant, bought

pytestmark = pytest.mark.django_db
MIA = Actor("Mia of Acme")
JANUARY, FEBRUARY, MARCH, APRIL = (dt.date(2026, month, 1) for month in (1, 2, 3, 4))
STEPS = ((100_000, 2), (500_000, 5))


@pytest.fixture
def acme():
    return a_merchant()


@pytest.fixture
def shop():
    return a_member("shop", kind=Member.Kind.BUSINESS)


def a_scheme(merchant, steps=STEPS, *, starts_on=JANUARY, **values):
    scheme = RebateScheme.objects.create(merchant=merchant, name="Partners", period="month", **values)
    for start, percent in steps:
        scheme.steps.create(from_spend=start, percent=percent)
    return rebates.start(scheme, starts_on, MIA, clock.day_start(starts_on)) if starts_on else scheme


def settle(day):
    return rebates.settle(clock.day_start(day), clock.day_start(day))


def settled():
    rows = Rebate.objects.order_by("member", "starts_on")
    return list(rows.values_list("member__external_id", "starts_on", "spend", "percent", "correction", "points"))


@pytest.mark.parametrize(
    ("spend", "percent", "points"),
    [
        (99_999, 0, 0),
        (100_000, 2, 2_000),
        (100_049, 2, 2_000),
        (100_050, 2, 2_001),
        (499_999, 2, 9_999),
        (500_000, 5, 25_000),
    ],
)
def test_the_step_that_was_reached_counts_for_the_whole_amount(acme, shop, spend, percent, points):
    a_scheme(acme)
    bought(shop, "acme", spend, on=JANUARY)
    settle(FEBRUARY)
    assert settled() == [("shop", JANUARY, spend, percent, 0, points)]


def test_points_are_worth_what_the_programme_says(acme):
    programme = Programme(point_value_points=100, point_value_money=3)
    assert selector.points(programme, 101, 3) == 101  # 3.03 minor units at 100 points for 3: 101.0, and no float
    assert selector.points(programme, 100, 1) == 33


def test_only_business_members_and_this_merchants_stores_count(acme, shop):
    a_scheme(acme)
    bought(a_member("person"), "acme", 500_000, on=JANUARY)
    bought(shop, a_merchant("other").code, 500_000, on=JANUARY)
    settle(FEBRUARY)
    assert settled() == []


def test_a_period_holds_its_first_and_its_last_day(acme, shop):
    a_scheme(acme)
    for day in (dt.date(2025, 12, 31), JANUARY, dt.date(2026, 1, 31), FEBRUARY):
        bought(shop, "acme", 100_000, on=day)
    settle(FEBRUARY)
    assert settled() == [("shop", JANUARY, 200_000, 2, 0, 4_000)]


def test_a_period_is_settled_once_whatever_is_run_again(acme, shop):
    a_scheme(acme)
    bought(shop, "acme", 500_000, on=JANUARY)
    settle(FEBRUARY)
    JobRun.objects.all().delete()
    RebateScheme.objects.update(settled_until=None)
    settle(FEBRUARY)
    settle(FEBRUARY + dt.timedelta(days=1))
    assert len(settled()) == 1


def test_missed_nights_are_made_up_for(acme, shop):
    a_scheme(acme)
    bought(shop, "acme", 500_000, on=JANUARY)
    bought(shop, "acme", 100_000, on=FEBRUARY)
    settle(dt.date(2026, 3, 17))
    assert [row[1:] for row in settled()] == [
        (JANUARY, 500_000, 5, 0, 25_000),
        (FEBRUARY, 100_000, 2, 0, 2_000),
    ]


def test_a_late_refund_lowers_the_next_rebate_and_the_one_after(acme, shop):
    a_scheme(acme)
    line = bought(shop, "acme", 500_000, on=JANUARY)
    bought(shop, "acme", 500_000, on=FEBRUARY)
    bought(shop, "acme", 1_000_000, on=MARCH)
    settle(FEBRUARY)
    OrderLine.objects.filter(pk=line.pk).update(refunded_cash=450_000)
    settle(MARCH)
    assert settled()[1] == ("shop", FEBRUARY, 500_000, 5, -25_000, 0)
    settle(APRIL)
    assert settled()[2] == ("shop", MARCH, 1_000_000, 5, 0, 50_000)
    assert sum(row[-1] for row in settled()) == 75_000


def test_what_is_still_owed_is_taken_from_later_rebates(acme, shop):
    a_scheme(acme)
    line = bought(shop, "acme", 500_000, on=JANUARY)
    bought(shop, "acme", 100_000, on=FEBRUARY)
    bought(shop, "acme", 1_000_000, on=MARCH)
    settle(FEBRUARY)
    OrderLine.objects.filter(pk=line.pk).update(refunded_cash=500_000)
    settle(MARCH)
    settle(APRIL)
    assert [(row[4], row[5]) for row in settled()] == [(0, 25_000), (-25_000, 0), (-23_000, 27_000)]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 100)), min_size=5, max_size=5))
def test_all_rebates_together_are_what_the_periods_give(story, acme, shop):
    """Unless more was paid already than they give: that stays paid, and is taken from what comes later."""
    JobRun.objects.all().delete()
    Rebate.objects.all().delete()
    RebateScheme.objects.all().delete()
    OrderLine.objects.all().delete()
    a_scheme(acme)
    months = [clock.months_after(JANUARY, number) for number in range(5)]
    kept, paid = [], 0
    for number, (hundreds, refund) in enumerate(story):
        cash = hundreds * 50_000
        line = bought(shop, "acme", cash, on=months[number]) if cash else None
        settle(clock.months_after(months[number], 1))
        kept.append(cash)
        due = sum(selector.points(Programme(), one, selector.percent(STEPS, one)) for one in kept)
        paid = max(paid, due)
        assert sum(row[-1] for row in settled()) == paid
        if line:
            OrderLine.objects.filter(pk=line.pk).update(refunded_cash=cash * refund // 100)
            kept[-1] -= cash * refund // 100


def test_purchases_of_a_merged_member_count_for_whom_it_was_merged_into(acme, shop):
    a_scheme(acme)
    old = a_member("old", kind="business", status="merged", merged_into=shop)
    bought(old, "acme", 60_000, on=JANUARY)
    bought(shop, "acme", 40_000, on=JANUARY)
    settle(FEBRUARY)
    assert settled() == [("shop", JANUARY, 100_000, 2, 0, 2_000)]


def test_settling_takes_as_many_queries_for_many_members(acme, django_assert_max_num_queries):
    a_scheme(acme)
    for number in range(50):
        bought(a_member(f"shop-{number}", kind="business"), "acme", 100_000, on=JANUARY)
    with django_assert_max_num_queries(40):
        settle(FEBRUARY)
    assert Rebate.objects.count() == 50


# Starting and stopping --------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [(), ((100, 5), (200, 5)), ((100, 5), (200, 3))])
def test_a_scheme_without_steps_that_rise_cannot_start(acme, steps):
    scheme = a_scheme(acme, steps, starts_on=None)
    with pytest.raises(InvalidInput):
        rebates.start(scheme, MARCH, MIA, NOON)


@pytest.mark.parametrize("day", [dt.date(2026, 3, 2), FEBRUARY])
def test_a_scheme_starts_with_a_whole_period_that_is_not_over(acme, day):
    with pytest.raises(InvalidInput):
        rebates.start(a_scheme(acme, starts_on=None), day, MIA, NOON)


def test_a_scheme_starts_once_and_stops_after_the_running_period(acme, shop):
    scheme = a_scheme(acme)
    with pytest.raises(rebates.RebateSchemeState):
        rebates.start(scheme, MARCH, MIA, NOON)
    bought(shop, "acme", 100_000, on=MARCH)
    bought(shop, "acme", 100_000, on=APRIL)
    assert rebates.stop(scheme, MIA, NOON).ends_on == APRIL
    with pytest.raises(rebates.RebateSchemeState):
        rebates.stop(scheme, MIA, NOON)
    settle(dt.date(2026, 6, 1))
    assert [row[1] for row in settled()] == [MARCH]


# Paying -----------------------------------------------------------------------------------------------------


def owed(acme, *members):
    for member in members:
        bought(member, "acme", 100_000, on=JANUARY)
    settle(FEBRUARY)


def test_a_rebate_is_paid_from_the_purse_and_names_its_funder(acme, shop):
    purse = purse_strings.a_purse(5_000)
    a_scheme(acme)
    owed(acme, shop)
    assert rebates.pay(NOON) == 1
    lot = Lot.objects.get(account__wallet__member=shop)
    assert (lot.remaining, lot.funder_id) == (2_000, purse.account_id)
    assert purses.balance(acme, NOON) == 3_000
    assert (Rebate.objects.get().status, Rebate.objects.get().paid_at) == ("paid", NOON)
    assert rebates.pay(NOON) == 0
    assert_proven()


def test_a_short_purse_pays_as_far_as_it_goes_and_the_rest_later(acme, shop):
    purse_strings.a_purse(2_500)
    a_scheme(acme)
    owed(acme, shop, a_member("shop-2", kind="business"))
    assert rebates.pay(NOON) == 1
    left = Rebate.objects.get(status="open")
    assert left.reason == Rebate.Reason.PURSE_SHORT
    assert rebates.pay(NOON) == 0
    purse_strings.a_purse(2_000)
    assert rebates.pay(NOON) == 1
    assert not Rebate.objects.filter(status="open").exists()
    assert Rebate.objects.get(pk=left.pk).reason == ""
    assert purses.balance(acme, NOON) == 500
    assert_proven()


def test_who_has_left_is_not_paid_and_does_not_stop_the_others(acme, shop):
    purse_strings.a_purse(9_000)
    a_scheme(acme)
    owed(acme, shop, a_member("shop-2", kind="business"))
    Member.objects.filter(pk=shop.pk).update(status=Member.Status.CLOSED)
    assert rebates.pay(NOON) == 1
    assert Rebate.objects.get(status="open").reason == Rebate.Reason.MEMBER_LEFT


def test_a_closed_purse_pays_nothing(acme, shop):
    purse = purse_strings.a_purse(9_000)
    a_scheme(acme)
    owed(acme, shop)
    purses.close(purse, reason="left", actor=MIA, at=NOON)
    assert rebates.pay(NOON) == 0
    assert Rebate.objects.get().reason == Rebate.Reason.PURSE_CLOSED


def test_many_are_paid_in_portions(acme, monkeypatch):
    monkeypatch.setattr(rebates, "PAID_AT_ONCE", 3)
    purse_strings.a_purse(2_000 * 7)
    a_scheme(acme)
    owed(acme, *[a_member(f"shop-{number}", kind="business") for number in range(7)])
    assert rebates.pay(NOON) == 7
    assert purses.balance(acme, NOON) == 0
    assert Account.objects.filter(wallet__isnull=False, available=2_000).count() == 7
