import datetime as dt

import pytest

from merchants.models import CardEvent
from merchants.selectors import store_stats
from merchants.tests.buyers import DAY, NOON, a_card, a_club, a_member, a_merchant, bought

pytestmark = pytest.mark.django_db
TODAY = NOON.date()


@pytest.fixture
def acme():
    return a_merchant()


def on(days_ago):
    return TODAY - dt.timedelta(days=days_ago)


def test_each_day_tells_cards_and_sales_with_and_without_a_card(acme):
    alice, bob, club = a_member("alice"), a_member("bob"), a_club(acme)
    card = a_card(alice, club)
    CardEvent.objects.create(card=card, kind=CardEvent.Kind.JOINED, at=NOON - 2 * DAY)
    bought(alice, "acme", 3000, on=on(1), refunded=500)
    bought(bob, "acme", 1000, on=on(1))
    bought(bob, "acme", 700, on=on(0))
    bought(bob, a_merchant("other").code, 9999, on=on(1))
    days = store_stats.days(acme, NOON)
    assert [day.day for day in days] == [on(number) for number in range(30, 0, -1)]
    assert days[-1] == store_stats.Day(on(1), 0, orders=2, cash=3500, member_orders=1, member_cash=2500)
    assert days[-2] == store_stats.Day(on(2), new_cards=1)
    assert sum(day.cash for day in days) == 3500


def test_levels_count_those_who_hold_a_card(acme):
    club = a_club(acme)
    for number, level in enumerate((1, 1, 3)):
        a_card(a_member(f"m-{number}"), club, level=level)
    a_card(a_member("left"), club, level=3, status="left", left_at=NOON)
    assert store_stats.levels(acme) == [(club, 1, 2), (club, 3, 1)]


def test_who_orders_on_two_days_comes_again(acme):
    for name, days in (("alice", (1, 2)), ("bob", (3, 3)), ("charlie", (1, 91))):
        for day in days:
            bought(a_member(name), "acme", 1000, on=on(day))
    repeat = store_stats.repeat(acme, NOON)
    assert (repeat.buyers, repeat.again, repeat.permille) == (3, 1, 333)


def test_the_overview_takes_few_queries(acme, django_assert_num_queries):
    a_card(a_member("alice"), a_club(acme))
    for number in range(20):
        bought(a_member(f"m-{number}"), "acme", 1000, on=on(number + 1))
    with django_assert_num_queries(3 + 2 + 2):
        store_stats.days(acme, NOON)
        store_stats.levels(acme)
        store_stats.repeat(acme, NOON)
