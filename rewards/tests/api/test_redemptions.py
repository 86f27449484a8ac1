"""Redemptions over HTTP."""

from __future__ import annotations

import pytest

from common.models import ApiKey
from loyalty.models import Wallet
from loyalty.tests.api.callers import grant, shop
from rewards.models import Redemption
from rewards.tests.shop import a_partner, a_pool, a_reward

pytestmark = pytest.mark.django_db

MINE = "/api/v1/me/redemptions"


@pytest.fixture(autouse=True)
def points(alice, charlie):
    grant(alice, 1000)
    grant(charlie, 1000)


def available(member) -> int:
    return Wallet.objects.get(member=member).account.available


def test_a_member_takes_a_coupon_and_sees_its_code(phone, alice):
    a_reward("five-off", kind="coupon", name="5.00 off")
    answer = phone(alice).post(MINE, {"reward": "five-off"})
    taken = answer.json()
    assert answer.status_code == 201
    assert (taken["member"], taken["reward"]["name"], taken["status"], taken["points"]) == (
        "alice",
        "5.00 off",
        "delivered",
        100,
    )
    assert taken["code"] == Redemption.objects.get().code.code
    assert [step["status"] for step in taken["history"]] == ["placed", "delivered"]
    assert phone(alice).get(f"{MINE}/{taken['uuid']}").json() == taken
    assert phone(alice).get(MINE).json()["results"] == [taken]
    assert available(alice) == 900


def test_a_refusal_names_the_gravest_reason_and_lists_all(phone, alice):
    a_reward("mug", points=1500, stock=0)
    refused = phone(alice).post(MINE, {"reward": "mug"})
    assert (refused.status_code, refused.json()["code"]) == (409, "out_of_stock")
    assert refused["Content-Type"] == "application/problem+json"
    assert [reason["code"] for reason in refused.json()["reasons"]] == ["out_of_stock", "insufficient_points"]
    assert refused.json()["reasons"][1]["missing"] == 500
    a_reward("cup", points=1120)
    assert phone(alice).post(MINE, {"reward": "cup"}).json()["missing"] == 120


def test_a_member_that_the_address_names_and_nobody_knows_is_not_found(server):
    a_reward("mug")
    assert server.post("/api/v1/members/nobody/redemptions", {"reward": "mug"}).status_code == 404
    assert server.post("/api/v1/members/nobody/benefits/coupon-pack/pack").status_code == 404


def test_the_same_key_takes_a_reward_once_and_replays_the_answer(phone, alice):
    a_reward("mug")
    first, second = (phone(alice).post(MINE, {"reward": "mug"}, headers={"Idempotency-Key": "k-1"}) for _ in range(2))
    assert first.json() == second.json()
    assert second["Idempotency-Replayed"] == "true"
    assert available(alice) == 900
    a_reward("cup")
    reused = phone(alice).post(MINE, {"reward": "cup"}, headers={"Idempotency-Key": "k-1"})
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")


def test_a_key_whose_answer_was_purged_does_not_take_it_twice(phone, alice):
    from common.models import IdempotencyRecord

    a_reward("mug")
    first = phone(alice).post(MINE, {"reward": "mug"}, headers={"Idempotency-Key": "k-1"}).json()
    IdempotencyRecord.objects.all().delete()
    second = phone(alice).post(MINE, {"reward": "mug"}, headers={"Idempotency-Key": "k-1"}).json()
    assert first["uuid"] == second["uuid"]
    assert available(alice) == 900


def test_a_member_gives_an_unused_coupon_back(phone, alice):
    a_reward("five-off", kind="coupon")
    taken = phone(alice).post(MINE, {"reward": "five-off"}).json()
    back = phone(alice).post(f"{MINE}/{taken['uuid']}/cancel", {"reason": "Not needed"})
    assert (back.status_code, back.json()["status"], back.json()["restored"]) == (200, "returned", 100)
    assert back.json()["code"] is None
    assert available(alice) == 1000


def test_a_used_coupon_is_refused_with_the_rule(phone, server, alice):
    a_reward("five-off", kind="coupon")
    taken = phone(alice).post(MINE, {"reward": "five-off"}).json()
    used = server.post(f"/api/v1/redemptions/{taken['uuid']}/use", {"reason": "order o-9"})
    assert (used.status_code, used.json()["status"]) == (200, "used")
    refused = phone(alice).post(f"{MINE}/{taken['uuid']}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (409, "reward_used")
    assert "unused" in refused.json()["detail"]


def test_nobody_sees_or_undoes_what_is_somebody_elses(phone, alice, charlie):
    a_reward("mug")
    taken = phone(alice).post(MINE, {"reward": "mug"}).json()
    for answer in (
        phone(charlie).get(f"{MINE}/{taken['uuid']}"),
        phone(charlie).post(f"{MINE}/{taken['uuid']}/cancel"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_redemption")
    assert phone(charlie).get(MINE).json()["results"] == []


def test_points_and_cash_wait_for_the_shop(phone, server, alice):
    a_reward("headphones", cash=4900)
    held = phone(alice).post(MINE, {"reward": "headphones"}).json()
    assert (held["status"], held["cash"]) == ("held", 4900)
    assert held["held_until"] > held["created_at"]
    address = f"/api/v1/redemptions/{held['uuid']}/place"
    refused = server.post(address)
    assert (refused.status_code, refused.json()["code"], refused.json()["cash"]) == (409, "payment_missing", 4900)
    placed = server.post(address, {"payment": "pay-1"}).json()
    assert (placed["status"], placed["held_until"]) == ("placed", None)


def test_the_server_takes_holds_packs_sends_delivers_and_takes_back(server, alice):
    a_reward("mug", stock=1)
    taken = server.post("/api/v1/members/alice/redemptions", {"reward": "mug", "hold": True}).json()
    assert taken["status"] == "held"
    address = f"/api/v1/redemptions/{taken['uuid']}"
    steps = {"place": {}, "fulfil": {}, "ship": {"tracking": "SF-1"}, "deliver": {}, "return": {"reason": "broken"}}
    states = [server.post(f"{address}/{verb}", body).json()["status"] for verb, body in steps.items()]
    assert states == ["placed", "fulfilling", "shipped", "delivered", "returned"]
    assert server.get(address).json()["tracking"] == "SF-1"
    assert server.get("/api/v1/members/alice/redemptions?status=returned").json()["results"][0]["uuid"] == taken["uuid"]
    assert available(alice) == 1000


def test_a_wrong_step_says_where_it_stands(server, alice):
    a_reward("mug")
    taken = server.post("/api/v1/members/alice/redemptions", {"reward": "mug"}).json()
    refused = server.post(f"/api/v1/redemptions/{taken['uuid']}/use").json()
    assert (refused["status"], refused["code"]) == (409, "redemption_state")
    assert (refused["redemption_status"], refused["allowed"]) == ("placed", ["delivered"])


def test_a_partners_code_comes_with_its_instructions_and_is_cancelled_by_the_shop_only(phone, server, alice):
    partner = a_partner()
    partner.instructions = "Type it in at video.example."
    partner.save()
    a_pool(a_reward("video", kind="partner"), "V-1")
    taken = phone(alice).post(MINE, {"reward": "video"}).json()
    assert (taken["code"], taken["instructions"]) == ("V-1", "Type it in at video.example.")
    refused = phone(alice).post(f"{MINE}/{taken['uuid']}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (409, "handed_over")
    assert server.post(f"/api/v1/redemptions/{taken['uuid']}/return").json()["status"] == "returned"


@pytest.mark.parametrize("body", [{}, {"reward": ""}, {"reward": 7}, [], "mug"])
def test_a_body_without_a_reward_is_refused_where_it_is_wrong(phone, alice, body):
    refused = phone(alice).post(MINE, body)
    assert (refused.status_code, refused.json()["code"]) in {(422, "invalid_input"), (400, "bad_request")}
    assert not Redemption.objects.exists()


def test_keys_without_the_scope_are_refused(alice):
    a_reward("mug")
    reader = shop("reader", [ApiKey.Scope.MEMBERS_READ])
    assert reader.get("/api/v1/members/alice/redemptions").status_code == 200
    assert reader.post("/api/v1/members/alice/redemptions", {"reward": "mug"}).status_code == 403
    writer = shop("writer", [ApiKey.Scope.POINTS_WRITE])
    assert writer.get("/api/v1/members/alice/redemptions").status_code == 403


def test_a_long_list_costs_the_same_queries(phone, alice, django_assert_num_queries):
    a_reward("tree", kind="coupon", points=1)
    mine = phone(alice)
    mine.post(MINE, {"reward": "tree"})
    for _more in range(2):
        with django_assert_num_queries(3):
            assert mine.get(MINE).status_code == 200
        for _ in range(10):
            mine.post(MINE, {"reward": "tree"})


def test_taking_a_reward_costs_the_same_queries_however_many_were_taken(phone, alice, django_assert_num_queries):
    a_reward("mug", points=1, stock=9)
    mine = phone(alice)
    for _more in range(2):
        mine.post(MINE, {"reward": "mug"})
        with django_assert_num_queries(
            17
        ):  # the member; 14 of the redemption, the stock's among them; the savepoint's two
            assert mine.post(MINE, {"reward": "mug"}).status_code == 201
