"""Packs over HTTP."""

import pytest
from django.utils import timezone

from rewards.models import Benefit
from rewards.tests import perks
from rewards.tests.shop import a_reward

pytestmark = pytest.mark.django_db


@pytest.fixture
def pack(alice, bob):
    perks.member("alice", "bronze")
    found = perks.benefit("coupon-pack", name="Coupons", kind=Benefit.Kind.COUPON_PACK)
    found.pack_items.create(reward=a_reward("ten-off", kind="coupon", off_amount=1000, name="Ten off"), quantity=2)
    found.pack_items.create(reward=a_reward("mug", name="Mug", stock=0))
    perks.grant(found, value=2000)
    return found


def test_i_see_what_my_pack_holds_and_take_it(pack, alice, phone):
    (benefit,) = phone(alice).get("/api/v1/me/benefits").json()["benefits"]
    assert benefit["pack"] == [
        {"reward": "ten-off", "name": "Ten off", "quantity": 2},
        {"reward": "mug", "name": "Mug", "quantity": 1},
    ]
    told = phone(alice).post("/api/v1/me/benefits/coupon-pack/pack", {}).json()
    assert (told["benefit"], told["period"]) == ("coupon-pack", f"{timezone.localtime():%Y-%m}")
    assert [one["reward"]["code"] for one in told["redemptions"]] == ["ten-off", "ten-off"]
    assert told["redemptions"][0]["reward"]["coupon"]["text"] == "10.00 CNY off"
    assert told["owed"] == [{"code": "mug", "name": "Mug"}]
    again = phone(alice).post("/api/v1/me/benefits/coupon-pack/pack", {}).json()
    assert again == told
    assert len(phone(alice).get("/api/v1/me/redemptions").json()["results"]) == 2


def test_the_shop_hands_it_out_for_a_member(pack, alice, bob, server):
    answer = server.post("/api/v1/members/alice/benefits/coupon-pack/pack", {})
    assert (answer.status_code, len(answer.json()["redemptions"])) == (200, 2)
    refused = server.post("/api/v1/members/bob/benefits/coupon-pack/pack", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_entitled")
    used = server.post("/api/v1/members/alice/benefits/coupon-pack/uses", {})
    assert (used.status_code, used.json()["code"]) == (409, "handed_out_in_packs")
    quoted = server.post("/api/v1/checkout/quote", {"member": "alice", "lines": [{"line": "1", "cash": 4000}]}).json()
    assert [one["off"] for one in quoted["coupons"]] == [1000, 1000]


def test_nobody_takes_what_is_alices(pack, alice, charlie, phone):
    assert phone(charlie).post("/api/v1/me/benefits/coupon-pack/pack", {}).json()["code"] == "not_entitled"
    assert phone(charlie).post("/api/v1/members/alice/benefits/coupon-pack/pack", {}).status_code == 401
