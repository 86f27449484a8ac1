import pytest

from common.models import Fact
from loyalty.tests.api.callers import grant, member, shop
from members.models import Member
from members.services import members

pytestmark = pytest.mark.django_db


def test_the_shop_registers_a_member(server):
    answer = server.post("/api/v1/members", {"external_id": "alice", "name": "Alice", "birthday": "1990-02-28"})
    assert answer.status_code == 201
    assert (answer.data["external_id"], answer.data["status"], answer.data["birthday"]) == (
        "alice",
        "active",
        "1990-02-28",
    )
    assert Fact.objects.get().topic == "member.registered"


def test_a_member_is_registered_once(server, alice):
    answer = server.post("/api/v1/members", {"external_id": "alice"})
    assert (answer.status_code, answer.json()["code"]) == (409, "member_exists")


def test_the_shop_reads_a_member_with_points(server, alice):
    grant(alice, 300)
    answer = server.get("/api/v1/members/alice").json()
    assert (answer["name"], answer["tier"]) == ("Alice", None)
    assert answer["points"]["available"] == 300
    assert "id" not in answer


def test_a_balance_and_no_ladder_cost_the_server_three_queries_besides_the_key(
    server, alice, django_assert_num_queries
):
    for _ in range(20):
        grant(alice, 10)
    server.get("/api/v1/members/alice")
    with django_assert_num_queries(4):
        assert server.get("/api/v1/members/alice").json()["points"]["available"] == 200


def test_a_member_without_points_has_none(server, alice):
    answer = server.get("/api/v1/members/alice").json()
    assert answer["points"] == {"available": 0, "pending": 0, "held": 0, "debt": 0, "expiring": []}


@pytest.mark.parametrize(
    "address",
    ["/api/v1/members/nobody", "/api/v1/members/nul%00", "/api/v1/members/" + "x" * 101, "/api/v1/members/a/b"],
)
def test_an_unknown_member_is_a_problem_document(server, address):
    answer = server.get(address)
    assert (answer.status_code, answer["Content-Type"], answer.json()["code"]) == (
        404,
        "application/problem+json",
        "not_found",
    )


def test_the_shop_changes_a_profile(server, alice):
    answer = server.patch("/api/v1/members/alice", {"phone_verified": True, "birthday": None})
    assert answer.status_code == 200
    assert (answer.json()["phone_verified"], answer.json()["name"]) == (True, "Alice")
    alice.refresh_from_db()
    assert alice.phone_verified


def test_unknown_and_closed_members_are_not_changed(server, alice, at=None):
    assert server.patch("/api/v1/members/nobody", {"name": "X"}).status_code == 404
    members.close("alice", alice.registered_at)
    answer = server.patch("/api/v1/members/alice", {"name": "X"})
    assert (answer.status_code, answer.json()["code"]) == (409, "member_closed")


def test_a_merged_member_says_where_it_went(server, alice, bob):
    members.merge("bob", "alice", alice.registered_at)
    assert server.get("/api/v1/members/bob").json()["merged_into"] == "alice"


def test_members_are_listed_page_by_page_newest_first(server):
    for number in range(5):
        member(f"m{number}")
    first = server.get("/api/v1/members?limit=2").json()
    assert [row["external_id"] for row in first["results"]] == ["m4", "m3"]
    second = server.get(first["next"]).json()
    assert [row["external_id"] for row in second["results"]] == ["m2", "m1"]
    assert server.get(second["previous"]).json()["results"] == first["results"]


def test_members_are_filtered(server, alice, bob):
    members.close("bob", alice.registered_at)
    assert [row["external_id"] for row in server.get("/api/v1/members?status=closed").json()["results"]] == ["bob"]
    assert server.get("/api/v1/members?kind=business").json()["results"] == []
    answer = server.get("/api/v1/members?status=asleep")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/status")


def test_a_list_costs_as_many_queries_for_many_members_as_for_few(server, alice, django_assert_num_queries):
    members.merge(member("old").external_id, "alice", alice.registered_at)
    for number in range(20):
        member(f"m{number}")
    with django_assert_num_queries(2):
        server.get("/api/v1/members")


def test_each_method_asks_for_its_scope(alice):
    reader = shop("reader", ["members:read"])
    assert reader.get("/api/v1/members/alice").status_code == 200
    answer = reader.patch("/api/v1/members/alice", {"name": "X"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert reader.post("/api/v1/members", {"external_id": "x"}).status_code == 403
    assert shop("writer", ["members:write"]).get("/api/v1/members").status_code == 403
    assert Member.objects.get().name == "Alice"


def test_strangers_and_members_cannot_use_the_servers_pages(client, phone, alice):
    assert client.get("/api/v1/members/alice").status_code == 401
    answer = phone(alice).get("/api/v1/members/alice")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Key realm="api"')


def test_members_are_filtered_by_instants_with_any_offset(server, alice):
    query = "registered_after=2020-03-01T10:00:00-20:20&registered_before=9999-01-01T00:00:00Z"
    assert len(server.get(f"/api/v1/members?{query}").json()["results"]) == 1
    assert server.get("/api/v1/members?registered_after=0001-01-01T00:00:00%2B14:00").status_code == 422


def test_instants_leave_in_utc_whatever_the_programmes_zone(server, alice):
    grant(alice, 300)
    assert server.get("/api/v1/members/alice").json()["registered_at"].endswith("Z")
    assert server.get("/api/v1/members/alice/statement").json()["results"][0]["at"].endswith("Z")
