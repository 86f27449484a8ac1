import datetime as dt

import pytest
from django.utils import timezone

from common import clock
from loyalty.services import holds, ledger
from loyalty.services.tenders import Payable
from loyalty.tests.api.callers import grant
from members.services import members

pytestmark = pytest.mark.django_db


def test_alice_sees_herself_and_her_points(phone, alice):
    grant(alice, 300, days=10)
    grant(alice, 200, days=5)
    answer = phone(alice).get("/api/v1/me")

    assert answer.status_code == 200
    today = clock.local_date(timezone.now())
    assert answer.json()["points"] == {
        "available": 500,
        "pending": 0,
        "held": 0,
        "debt": 0,
        "expiring": [
            {"on": (today + dt.timedelta(days=5)).isoformat(), "amount": 200},
            {"on": (today + dt.timedelta(days=10)).isoformat(), "amount": 300},
        ],
    }
    assert answer.json()["unit"] == {"name": "points", "points": 1, "money": 1, "currency": "CNY"}
    assert (answer.json()["external_id"], answer.json()["tier"]) == ("alice", None)


def test_charlie_sees_nothing_of_alice(phone, alice, charlie):
    grant(alice, 300)
    assert phone(charlie).get("/api/v1/me").json()["points"]["available"] == 0
    assert phone(charlie).get("/api/v1/me/points/transactions").json()["results"] == []
    assert phone(charlie).get("/api/v1/me/points/explain").json()["results"] == []


def test_held_and_pending_points_are_told_apart(phone, alice):
    grant(alice, 2000)
    grant(alice, 70, available_at=timezone.now() + dt.timedelta(days=1))
    holds.place("alice", 1000, order_code="o-1", lines=[Payable("1", 4000)], at=timezone.now())
    points = phone(alice).get("/api/v1/me/points").json()["points"]
    assert (points["available"], points["held"], points["pending"]) == (1000, 1000, 70)


@pytest.mark.parametrize(("address", "queries"), [("/api/v1/me", 3), ("/api/v1/me/points", 2)])
@pytest.mark.parametrize("lots", [1, 40])
def test_a_balance_costs_as_many_queries_for_many_lots_as_for_one(
    phone, alice, django_assert_num_queries, address, queries, lots
):
    for _ in range(lots):
        grant(alice, 10)
    caller = phone(alice)
    caller.get(address)
    with django_assert_num_queries(queries):
        assert caller.get(address).json()["points"]["available"] == lots * 10


def test_without_a_token_or_with_a_key_nobody_sees_a_members_page(client, server):
    assert client.get("/api/v1/me").status_code == 401
    answer = server.get("/api/v1/me")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")


def test_a_closed_member_does_not_get_in(phone, alice):
    members.close("alice", timezone.now())
    answer = phone(alice).get("/api/v1/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_a_member")


@pytest.mark.parametrize("caller", ["alice", "server"])
def test_the_statement_tells_every_movement_newest_first(request, phone, alice, caller, server):
    account = grant(alice, 300, reference="order:o-1")
    with ledger.open_book([account.pk], timezone.now()) as book:
        book.take(account.pk, 100, kind="redeem", contra="redeemed", reference="order:o-2")
    who, address = (
        (server, "/api/v1/members/alice/statement")
        if caller == "server"
        else (phone(alice), "/api/v1/me/points/transactions")
    )
    newest, oldest = who.get(address).json()["results"]
    assert (newest["number"], newest["kind"], newest["points"], newest["balance_after"]) == (2, "redeem", -100, 200)
    assert (newest["reference"], newest["text"]) == ("order:o-2", "Spent")
    assert (oldest["kind"], oldest["unit"], oldest["points"]) == ("earn", "points", 300)
    assert oldest["posted_on"] == clock.local_date(timezone.now()).isoformat()


def test_the_statement_is_filtered_by_kind_unit_and_day(phone, alice):
    grant(alice, 300, at=timezone.now() - dt.timedelta(days=3))
    grant(alice, 50, available_at=timezone.now() + dt.timedelta(days=1))
    me, today = phone(alice), clock.local_date(timezone.now()).isoformat()

    def points(query):
        return [row["points"] for row in me.get(f"/api/v1/me/points/transactions?{query}").json()["results"]]

    assert points("unit=pending") == [50]
    assert points("kind=earn") == [50, 300]
    assert points("kind=expire") == []
    assert points(f"posted_from={today}") == [50]
    assert points(f"posted_until={today}&unit=points") == [300]
    assert me.get("/api/v1/me/points/transactions?posted_from=yesterday").status_code == 422


def test_pages_of_the_statement_neither_skip_nor_repeat(phone, alice, django_assert_num_queries):
    for number in range(1, 8):
        grant(alice, number)
    me, address, seen = phone(alice), "/api/v1/me/points/transactions?limit=3", []
    while address:
        with django_assert_num_queries(2):
            page = me.get(address).json()
        seen += [row["points"] for row in page["results"]]
        address = page["next"]
    assert seen == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("cursor", ["rubbish", "cD1hYmM=", "%00", "cj0xJnA9eA=="])
def test_a_foreign_cursor_is_refused_clearly(phone, alice, cursor):
    grant(alice, 1)
    answer = phone(alice).get(f"/api/v1/me/points/transactions?cursor={cursor}")
    assert answer.status_code in (200, 422)
    assert answer.status_code == 200 or answer.json()["code"] == "invalid_input"
