import pytest

from loyalty.models import Entry, Wallet
from loyalty.tests.api.callers import grant, shop
from members.services import members

pytestmark = pytest.mark.django_db

BODY = {
    "member": "alice",
    "lines": [{"line": "1", "cash": 4000, "category": "books"}],
    "freight": 600,
    "channel": "app",
}


def test_the_shop_is_told_what_points_can_do(server, alice):
    grant(alice, 5000)
    answer = server.post("/api/v1/checkout/quote", BODY)
    assert answer.status_code == 200
    assert answer.json() == {
        "max_points": 2000,
        "points_step": 1000,
        "points_value": 2000,
        "points_available": 5000,
        "points_to_earn": 0,
        "points_to_earn_with_points": 0,
        "growth_to_earn": 0,
        "growth_to_earn_with_points": 0,
        "lines": [{"line": "1", "points": 2000, "cash": 2000}],
    }


def test_a_quote_writes_nothing(server, alice, bob):
    grant(alice, 5000)
    before = Entry.objects.count(), Wallet.objects.count()
    server.post("/api/v1/checkout/quote", BODY)
    server.post("/api/v1/checkout/quote", BODY | {"member": "bob"})
    assert (Entry.objects.count(), Wallet.objects.count()) == before


def test_unknown_and_closed_members_are_not_quoted(server, alice):
    assert server.post("/api/v1/checkout/quote", BODY | {"member": "nobody"}).json()["code"] == "unknown_member"
    members.close("alice", alice.registered_at)
    assert server.post("/api/v1/checkout/quote", BODY).json()["code"] == "member_closed"


def test_a_merged_name_is_quoted_the_points_it_stands_for(server, alice, bob):
    grant(alice, 5000)
    members.merge("bob", "alice", alice.registered_at)
    assert server.post("/api/v1/checkout/quote", BODY | {"member": "bob"}).json()["max_points"] == 2000


def test_members_and_readers_cannot_ask_for_quotes(phone, alice):
    assert phone(alice).post("/api/v1/checkout/quote", BODY).status_code == 401
    assert shop("reader", ["members:read"]).post("/api/v1/checkout/quote", BODY).status_code == 403
