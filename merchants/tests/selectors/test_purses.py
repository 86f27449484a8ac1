"""What a merchant reads of its purse: one statement over purse and pockets, and where its points are."""

import datetime as dt

import pytest

from loyalty.services import expiring, ledger
from loyalty.tests import cast
from loyalty.tests.cast import DAY, NOON
from loyalty.tests.stage import line, order, send
from merchants.selectors import purses
from merchants.services import pockets
from merchants.tests.purse_strings import a_purse, give, spend

pytestmark = pytest.mark.django_db


@pytest.fixture
def purse():
    """1,000 bought, 400 set aside, 150 of them given, the rest returned in April; 30 expired in between."""
    purse = a_purse(970)
    a_purse(30, expires_at=NOON + 5 * DAY)
    expiring.expire(NOON + 6 * DAY, NOON + 6 * DAY)
    pocket = pockets.open(purse, 400, slots=2, reference="c", at=NOON + 7 * DAY)
    give(pocket, 100, at=NOON + 8 * DAY)
    give(pocket, 50, at=NOON + 9 * DAY)
    pockets.close(purse, [account.pk for account in pocket], reference="c", at=NOON + 40 * DAY)
    return purse


def test_the_statement_runs_over_purse_and_pockets_and_tells_each_movement_once(purse):
    march = purses.month(purse, dt.date(2026, 3, 15))
    told = purses.lines(list(march.rows), march.opening)
    assert [(row.what, row.change, row.moved, row.total) for row in told] == [
        ("bought", 970, 0, 970),
        ("bought", 30, 0, 1000),
        ("expired", -30, 0, 970),
        ("set_aside", 0, -200, 970),
        ("set_aside", 0, -200, 970),
        ("given", -100, 0, 870),
        ("given", -50, 0, 820),
    ]
    assert (march.opening, march.closing) == (0, 820)


def test_a_month_opens_with_what_the_one_before_closed_with(purse):
    april = purses.month(purse, dt.date(2026, 4, 1))
    told = purses.lines(list(april.rows), april.opening)
    assert {row.what for row in told} == {"returned"}
    assert (april.opening, april.closing, told[-1].total) == (820, 820, 820)


def test_the_whereabouts_sum_to_what_was_bought(purse):
    spend("alice", 40)
    with ledger.open_book([cast.account("alice").pk], NOON) as book:
        book.hold(cast.account("alice").pk, 10, order_code="", expires_at=NOON + 99 * DAY, reference="h")
    send("order.completed", "alice", NOON, **order("o-1", line(1, 0, points=20, virtual=True)))
    found = purses.whereabouts(purse)
    assert (found.purse, found.pockets, found.members, found.held, found.used, found.expired, found.other) == (
        820,
        0,
        80,
        10,
        60,
        30,
        0,
    )
    assert found.bought == 1000


def test_flows_tell_what_came_and_went_month_by_month(purse):
    flows = purses.flows(purse, dt.date(2026, 4, 30))
    assert flows[-2:] == [(dt.date(2026, 3, 1), 1000, 180), (dt.date(2026, 4, 1), 0, 0)]
    assert len(flows) == 12


def test_the_statement_names_nothing_of_another_merchant(purse):
    other = a_purse(70, "bolt")
    assert [row.delta for row in purses.entries(other)] == [70]


def test_a_page_of_the_statement_costs_two_queries(purse, django_assert_num_queries):
    march = purses.month(purse, dt.date(2026, 3, 1))
    with django_assert_num_queries(2):
        purses.lines(list(march.rows[:50]), march.opening)
