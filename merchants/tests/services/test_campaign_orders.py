"""Campaigns for orders: the club's own lines only, exact floors, and refunds that take back what is no longer due (F11)."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty.services import invariants
from loyalty.tests import proven
from loyalty.tests.stage import STAFF, balance, line, order, send, set_programme
from merchants.models import CampaignGrant, Card
from merchants.selectors import campaigns as selectors
from merchants.services import campaign_orders, campaigns, purses
from merchants.tests import buyers
from merchants.tests.buyers import DAY, NOON
from merchants.tests.campaigning import a_club, cards, drain, purse, started
from merchants.tests.purse_strings import spend

pytestmark = pytest.mark.django_db

# What members spend in these tests is no order, so it is told to nobody.
LEDGER = [invariant for invariant in invariants.ALL if invariant.name != "posted_is_published"]


def assert_proven():
    proven.assert_proven(LEDGER)


def buy(code="o-1", *lines, at=NOON, **data):
    answer = send("order.completed", **order(code, *lines, **data), at=at)
    assert answer["status"] == "applied", answer
    drain(at)


def refund(code="r-1", *lines, at=NOON, cash=0, of="o-1"):
    told = {"order": of, "refund": code, "reason": "no_reason", "cash": cash, "lines": list(lines)}
    answer = send("order.refunded", **told, at=at)
    assert answer["status"] == "applied", answer
    drain(at)


def given_to():
    return list(CampaignGrant.objects.order_by("pk").values_list("card__member__external_id", "points", "returned"))


def test_only_the_lines_of_the_clubs_stores_count():
    club = a_club()
    cards(club, "alice")
    started(club, trigger="order", points=1, money_unit=100)
    buy("o-1", line(1, 1050, store="acme"), line(2, 1050, store="acme"), line(3, 9900, store="elsewhere"))
    assert given_to() == [("alice", 21, 0)]  # 21.00 in all: rounded down once, not a line
    assert balance().available == 21
    assert_proven()


def test_an_order_costs_few_queries_and_two_where_no_campaign_runs(django_assert_max_num_queries):
    club = a_club()
    cards(club, "alice")
    send("order.completed", **order("o-1", line(1, 6000, store="acme")))
    with django_assert_max_num_queries(2 + 2):  # and the savepoint
        campaign_orders.give("o-1", NOON)
    started(club, trigger="order")
    with django_assert_max_num_queries(45):
        (grant,) = campaign_orders.give("o-1", NOON)
    assert grant.points == 100


def test_a_batch_gives_for_many_orders_at_many_merchants_in_a_fixed_number_of_queries(django_assert_max_num_queries):
    heard = []
    for merchant in range(8):
        club = a_club(f"m{merchant}")
        names = [f"{merchant}-{n}" for n in range(4)]
        cards(club, *names)
        started(club, trigger="order", points=1, money_unit=100)
        for name in names:
            send("order.completed", name, **order(f"o-{name}", line(1, 6000, store=f"m{merchant}")))
            heard.append((f"o-{name}", NOON))
    with django_assert_max_num_queries(50):
        grants = campaign_orders.give_all(heard)
    assert [grant.points for grant in grants] == [60] * 32
    assert [grant.occasion for grant in grants] == [f"order:{code}" for code, _at in heard]
    assert {balance(f"{merchant}-{n}").available for merchant in range(8) for n in range(4)} == {60}
    assert campaign_orders.give_all(heard) == []
    assert_proven()


def test_the_cap_and_the_budget_hold_within_a_batch():
    club, other = a_club(), a_club("zeta")
    for each in (club, other):
        cards(each, "alice")
    started(club, trigger="order", points=100, cap=150)
    started(other, trigger="order", points=100, budget=250)
    for number in range(4):
        send("order.completed", **order(f"o-{number}", line(1, store="acme"), line(2, store="zeta")))
    drain()
    by_campaign = CampaignGrant.objects.order_by("campaign_id", "pk").values_list("points", "refusal")
    assert list(by_campaign) == [
        *[(100, ""), (50, ""), (0, "cap"), (0, "cap")],
        *[(100, ""), (100, ""), (0, "budget"), (0, "budget")],
    ]
    assert_proven()


def test_orders_of_a_batch_are_judged_each_by_its_own_time():
    club = a_club()
    cards(club, "alice", joined_at=NOON - DAY)
    started(club, trigger="order", starts_at=NOON, ends_at=NOON + DAY)
    for number, at in enumerate((NOON, NOON + DAY)):
        send("order.completed", **order(f"o-{number}", line(1, store="acme")), at=at)
    drain(NOON + DAY)
    assert list(CampaignGrant.objects.values_list("occasion", flat=True)) == ["order:o-0"]


def test_a_fixed_gift_asks_for_the_least_cash():
    club = a_club()
    cards(club, "alice")
    started(club, trigger="order", least_cash=5000)
    buy("o-1", line(1, 4999, store="acme"))
    assert given_to() == []
    buy("o-2", line(1, 5000, store="acme"))
    assert given_to() == [("alice", 100, 0)]


def test_who_has_no_card_or_opened_it_after_the_order_gets_nothing():
    club = a_club()
    cards(club, "bob", joined_at=NOON + DAY)
    started(club, trigger="order")
    for name in ("bob", "charlie"):
        send("order.completed", name, **order(f"o-{name}", line(1, store="acme")))
    drain(NOON + DAY)
    assert given_to() == []


def test_the_order_is_told_twice_and_counted_once():
    club = a_club()
    cards(club, "alice")
    started(club, trigger="order")
    buy("o-1", line(1, store="acme"))
    assert campaign_orders.give("o-1", NOON) == []
    assert balance().available == 100


def test_refunds_in_parts_take_back_exactly_what_was_given():
    club = a_club()
    cards(club, "alice")
    started(club, trigger="order", points=1, money_unit=100)
    buy("o-1", line(1, 2997, store="acme"), line(2, 2997, store="acme"), line(3, 3006, store="acme"))
    assert given_to() == [("alice", 90, 0)]
    returned = []
    for number in ("1", "2", "3"):
        refund(f"r-{number}", {"line": number, "quantity": 1})
        returned.append(CampaignGrant.objects.get().returned)
    assert returned == [30, 60, 90]
    assert (balance().available, purse(club)) == (0, 9_090)
    assert_proven()


def test_what_is_taken_back_returns_to_the_merchant_also_when_the_campaign_is_over():
    club = a_club()
    cards(club, "alice")
    campaign = started(club, trigger="order")
    buy("o-1", line(1, store="acme"))
    campaigns.stop(campaign, STAFF, NOON)
    assert purse(club) == 9_900
    refund("r-1", {"line": "1", "quantity": 1})
    assert (purse(club), balance().available) == (10_000, 0)
    assert_proven()


def test_a_refund_below_the_least_cash_takes_the_whole_gift():
    club = a_club()
    cards(club, "alice")
    started(club, trigger="order", least_cash=5000)
    buy("o-1", line(1, 6000, store="acme"))
    refund("r-1", {"line": "1", "cash": 1500})
    assert given_to() == [("alice", 100, 100)]


def test_a_refund_of_another_stores_line_takes_nothing():
    club = a_club()
    cards(club, "alice")
    started(club, trigger="order")
    buy("o-1", line(1, 6000, store="acme"), line(2, 6000, store="elsewhere"))
    refund("r-1", {"line": "2", "quantity": 1})
    assert given_to() == [("alice", 100, 0)]


def test_a_cancelled_order_takes_the_gift_back():
    club = a_club()
    cards(club, "alice")
    started(club, trigger="order")
    buy("o-1", line(1, store="acme"))
    send("order.cancelled", order="o-1")
    drain()
    assert given_to() == [("alice", 100, 100)]
    assert_proven()


def test_a_refund_that_is_heard_of_first_gives_only_what_is_kept():
    club = a_club()
    cards(club, "alice")
    started(club, trigger="order", points=1, money_unit=100)
    send("order.completed", **order("o-1", line(1, 6000, store="acme")))
    told = {"order": "o-1", "refund": "r-1", "reason": "no_reason", "cash": 1500}
    send("order.refunded", **told, lines=[{"line": "1", "cash": 1500}])
    drain()
    assert given_to() == [("alice", 45, 0)]


def test_spent_points_become_a_debt_as_the_programme_says_and_do_not_return_to_the_purse():
    set_programme(clawback_debt=True, clawback_other_lots=True)
    club = a_club()
    cards(club, "alice")
    started(club, trigger="order")
    buy("o-1", line(1, store="acme"))
    spend("alice", 60)
    refund("r-1", {"line": "1", "quantity": 1})
    assert (balance().available, balance().debt, purse(club)) == (0, 60, 9_040)
    assert given_to() == [("alice", 100, 100)]
    assert_proven()


def test_a_refund_after_leaving_takes_back_all_the_same():
    club = a_club()
    cards(club, "alice")
    started(club, trigger="order")
    buy("o-1", line(1, store="acme"))
    Card.objects.update(status="left", left_at=NOON)
    refund("r-1", {"line": "1", "quantity": 1})
    assert balance().available == 0


@pytest.mark.parametrize(
    ("cash", "points", "unit", "least", "due"),
    [(0, 5, None, 0, 0), (1, 5, None, 0, 5), (999, 3, 1000, 0, 2), (1000, 3, 1000, 0, 3), (999, 3, 1000, 1000, 0)],
)
def test_what_is_due_is_rounded_down_once(cash, points, unit, least, due):
    campaign = campaigns.MerchantCampaign(points=points, money_unit=unit, least_cash=least)
    assert selectors.due(campaign, cash) == due


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    deeds=st.lists(
        st.tuples(st.sampled_from(["buy", "refund", "spend", "stop"]), st.integers(0, 3), st.integers(1, 60_000)),
        min_size=1,
        max_size=8,
    )
)
def test_given_and_reserved_are_always_the_budget_and_no_point_is_lost(deeds):
    tag = f"m{st_count()}"
    club = a_club(tag, points=2_000)
    cards(club, f"alice-{tag}", f"bob-{tag}")
    campaign = started(club, trigger="order", points=1, money_unit=100, budget=1_000)
    bought = []
    for verb, who, cash in deeds:
        name = f"{('alice', 'bob')[who % 2]}-{tag}"
        if verb == "buy":
            code = f"o-{tag}-{len(bought)}"
            send("order.completed", name, **order(code, line(1, cash, store=tag)))
            bought.append((code, name, cash))
        elif verb == "refund" and bought:
            code, name, paid = bought[who % len(bought)]
            told = {"order": code, "refund": f"r-{cash}", "reason": "no_reason", "cash": 0}
            send("order.refunded", name, **told, lines=[{"line": "1", "cash": max(min(cash, paid) // 2, 1)}])
        elif verb == "spend":
            has = balance(name).available if buyers.a_member(name) and _has_wallet(name) else 0
            if has:
                spend(name, min(has, cash))
        elif verb == "stop":
            campaign.refresh_from_db()
            if campaign.status == "running":
                campaigns.stop(campaign, STAFF, NOON)
        drain()
        campaign.refresh_from_db()
        gave = sum(campaign.grants.values_list("points", flat=True))
        reserved = sum(campaign.pockets.values_list("available", flat=True))
        assert gave + reserved + (campaign.released or 0) == campaign.budget
        assert all(grant.returned <= grant.points for grant in campaign.grants.all())
    assert_proven()
    assert purses.balance(club.merchant, NOON) <= 2_000


_numbers = iter(range(10_000))


def st_count():
    return next(_numbers)


def _has_wallet(name):
    return hasattr(buyers.a_member(name), "wallet")
