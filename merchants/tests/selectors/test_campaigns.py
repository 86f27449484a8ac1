"""Previews and results of campaigns, in plain figures."""

import datetime as dt

import pytest

from loyalty.tests.stage import line, order, send
from merchants.selectors import campaign_previews
from merchants.selectors import campaigns as selectors
from merchants.services import campaign_sends
from merchants.tests import buyers
from merchants.tests.buyers import DAY, NOON
from merchants.tests.campaigning import a_club, a_draft, cards, drain, started

pytestmark = pytest.mark.django_db


def previewed(club, **values):
    told = campaign_previews.of(a_draft(club, **values), NOON)
    return told.members, told.now, told.month


def test_a_preview_counts_members_cost_and_what_the_purse_lacks():
    club = a_club(points=400)
    cards(club, "alice", "bob")
    cards(club, "charlie", level=2)
    told = campaign_previews.of(a_draft(club), NOON)
    assert (told.members, told.levels, told.now, told.budget) == (3, [(1, 2), (2, 1)], 300, 1000)
    assert (told.purse, told.missing) == (400, 600)


def test_the_cost_never_passes_the_budget():
    club = a_club()
    cards(club, "alice", "bob", "charlie")
    assert previewed(club, budget=200) == (3, 200, 200)


def test_joins_orders_and_birthdays_are_reckoned_from_the_last_30_days():
    club = a_club()
    cards(club, "alice", joined_at=NOON - 10 * DAY)
    buyers.a_member("bob", birthday=dt.date(1990, 3, 30))
    cards(club, "bob")
    buyers.bought(buyers.a_member("alice"), "acme", 9_00, on=dt.date(2026, 2, 20))
    buyers.bought(buyers.a_member("alice"), "acme", 20_00, on=dt.date(2026, 2, 21), refunded=5_00)
    buyers.bought(buyers.a_member("alice"), "elsewhere", 90_00, on=dt.date(2026, 2, 21))
    buyers.bought(buyers.a_member("alice"), "acme", 90_00, on=dt.date(2025, 12, 1))
    assert previewed(club, trigger="join") == (2, 0, 100)
    assert previewed(club, trigger="order") == (2, 0, 200)
    assert previewed(club, trigger="order", least_cash=10_00) == (2, 0, 100)
    assert previewed(club, trigger="order", points=1, money_unit=100) == (2, 0, 24)
    assert previewed(club, trigger="birthday") == (2, 0, 100)


def test_a_preview_costs_few_queries(django_assert_max_num_queries):
    club = a_club()
    cards(club, *(f"m-{n}" for n in range(20)))
    draft = a_draft(club, trigger="order")
    with django_assert_max_num_queries(6):
        campaign_previews.of(draft, NOON)


def test_results_say_what_was_given_used_taken_back_and_bought_afterwards(django_assert_max_num_queries):
    club = a_club()
    cards(club, "alice", "bob", "charlie")
    campaign = started(club, budget=200, ends_at=NOON + 90 * DAY)
    campaign_sends.send(campaign, NOON)
    drain()
    send("order.completed", "alice", **order("o-1", line(1, 50_00, store="acme", points=60)), at=NOON + DAY)
    send("order.completed", "bob", **order("o-2", line(1, 70_00, store="elsewhere")), at=NOON + DAY)
    send("order.completed", "charlie", **order("o-3", line(1, 70_00, store="acme")), at=NOON + DAY)
    with django_assert_max_num_queries(5):
        told = selectors.results(campaign)
    assert (told.given, told.members, told.refused, told.left) == (200, 2, 1, 0)
    assert told.spent == 60
    assert (told.orders, told.cash) == (1, 50_00)
