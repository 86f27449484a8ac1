import uuid

import pytest
from django.utils import timezone

from loyalty.models import Hold
from loyalty.tests.api.callers import grant, shop
from members.services import members

pytestmark = pytest.mark.django_db

THREE_LINES = [{"line": "1", "cash": 3330}, {"line": "2", "cash": 3330}, {"line": "3", "cash": 3340}]


def body(**changes):
    return {"member": "alice", "points": 1000, "order": "o-1", "lines": THREE_LINES} | changes


@pytest.fixture
def account(alice):
    return grant(alice, 5000)


def points(account):
    account.refresh_from_db()
    return account.available, account.held


def test_a_hold_sets_points_aside_and_shares_them_over_the_lines(server, account):
    answer = server.post("/api/v1/holds", body(expires_in=600))

    assert answer.status_code == 201
    hold = answer.json()
    assert (hold["member"], hold["points"], hold["status"], hold["order"]) == ("alice", 1000, "open", "o-1")
    assert hold["lines"] == [{"line": "1", "points": 333}, {"line": "2", "points": 333}, {"line": "3", "points": 334}]
    assert points(account) == (4000, 1000)
    assert server.get(f"/api/v1/holds/{hold['uuid']}").json() == hold
    placed = Hold.objects.get()
    assert (placed.expires_at - placed.created_at).total_seconds() == 600


def test_a_hold_lapses_after_the_programmes_time_if_none_is_asked_for(server, account):
    server.post("/api/v1/holds", body())
    placed = Hold.objects.get()
    assert (placed.expires_at - placed.created_at).total_seconds() == 30 * 60


def test_a_captured_hold_is_spent_and_stays_spent(server, account):
    hold = server.post("/api/v1/holds", body()).json()["uuid"]
    for _ in range(2):
        answer = server.post(f"/api/v1/holds/{hold}/capture")
        assert (answer.status_code, answer.json()["status"]) == (200, "captured")
    assert points(account) == (4000, 0)
    refused = server.post(f"/api/v1/holds/{hold}/release")
    assert (refused.status_code, refused.json()["code"]) == (409, "hold_closed")


def test_a_released_hold_gives_the_points_back(server, account):
    hold = server.post("/api/v1/holds", body()).json()["uuid"]
    for _ in range(2):
        assert server.post(f"/api/v1/holds/{hold}/release").json()["status"] == "released"
    assert points(account) == (5000, 0)
    assert server.post(f"/api/v1/holds/{hold}/capture").json()["code"] == "hold_closed"


def test_the_same_key_holds_once(server, account):
    first = server.post("/api/v1/holds", body(), headers={"Idempotency-Key": "k1"})
    again = server.post("/api/v1/holds", body(), headers={"Idempotency-Key": "k1"})
    assert (again.status_code, again.json()) == (201, first.json())
    assert again["Idempotency-Replayed"] == "true"
    assert points(account) == (4000, 1000)


def test_the_same_key_with_another_body_is_refused(server, account):
    server.post("/api/v1/holds", body(), headers={"Idempotency-Key": "k1"})
    answer = server.post("/api/v1/holds", body(points=2000), headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert points(account) == (4000, 1000)


def test_a_key_is_the_callers_own(server, account):
    server.post("/api/v1/holds", body(), headers={"Idempotency-Key": "k1"})
    other = shop("other", ["points:write"])
    assert "Idempotency-Replayed" not in other.post("/api/v1/holds", body(), headers={"Idempotency-Key": "k1"})
    assert points(account) == (3000, 2000)


def test_a_refusal_is_replayed_too_whatever_has_changed_since(server, alice):
    grant(alice, 500)
    first = server.post("/api/v1/holds", body(), headers={"Idempotency-Key": "k1"})
    assert (first.status_code, first.json()["code"], first.json()["missing"]) == (409, "insufficient_points", 500)
    grant(alice, 5000)
    again = server.post("/api/v1/holds", body(), headers={"Idempotency-Key": "k1"})
    assert (again.status_code, again.json()) == (409, first.json())


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"points": 999}, 422, "tender_not_allowed"),
        ({"points": 6000}, 422, "tender_not_allowed"),
        ({"points": 5000, "lines": [{"line": "1", "cash": 100_000}], "member": "bob"}, 409, "insufficient_points"),
        ({"member": "nobody"}, 422, "unknown_member"),
        ({"member": "charlie"}, 409, "member_closed"),
    ],
)
def test_what_the_rules_refuse_is_a_clear_problem(server, account, bob, charlie, changes, status, code):
    members.close("charlie", timezone.now())
    answer = server.post("/api/v1/holds", body(**changes))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert points(account) == (5000, 0)


def test_an_unknown_hold_is_not_found(server, account):
    for method, tail in [("get", ""), ("post", "/capture"), ("post", "/release")]:
        answer = getattr(server, method)(f"/api/v1/holds/{uuid.uuid4()}{tail}")
        assert answer.status_code == 404
        assert answer["Content-Type"] == "application/problem+json"
    assert server.get("/api/v1/holds/17").status_code == 404


def test_a_merged_members_name_holds_the_points_of_the_member_it_stands_for(server, account, bob):
    members.merge("bob", "alice", timezone.now())
    answer = server.post("/api/v1/holds", body(member="bob"))
    assert (answer.status_code, answer.json()["member"]) == (201, "alice")


def test_members_cannot_place_holds(phone, account, alice):
    assert phone(alice).post("/api/v1/holds", body()).status_code == 401
    assert shop("reader", ["members:read"]).post("/api/v1/holds", body()).status_code == 403
    assert points(account) == (5000, 0)


@pytest.mark.parametrize("lots", [1, 30])
def test_a_hold_costs_fifteen_queries_however_many_lots_there_are(server, alice, django_assert_max_num_queries, lots):
    for number in range(lots):
        grant(alice, 100_000, days=number + 1)
    server.post("/api/v1/holds", body())
    begin_and_commit = 2
    with django_assert_max_num_queries(15 + begin_and_commit):
        assert server.post("/api/v1/holds", body()).status_code == 201


def test_a_hold_costs_the_same_queries_however_many_lines_it_has(server, account, django_assert_num_queries):
    server.post("/api/v1/holds", body())
    for number in (1, 5):
        lines = [{"line": str(line), "cash": 10_000} for line in range(number)]
        with django_assert_num_queries(14):  # the key; 11 of the hold; the savepoint's two
            assert server.post("/api/v1/holds", body(lines=lines)).status_code == 201
