"""Whoever was merged into another brings along what she had, under any of her names (domain.md E58)."""

from itertools import pairwise

import pytest
from django.utils import timezone

from common.services import outbox
from common.services.audit import Actor
from loyalty.models import Order
from loyalty.tests.api.callers import grant
from loyalty.tests.stage import DAY
from members.services import members
from rewards.models import BenefitUse, InstantRefund, PackItem, QuotaEntry, Redemption
from rewards.services import member_grants, packs
from rewards.tests import arcade, perks
from rewards.tests.shop import a_pool, a_reward, redeem

pytestmark = pytest.mark.django_db
REFUNDS = "/api/v1/members/{}/instant-refunds"


def merge(source, target):
    members.merge(source, target, timezone.now())
    outbox.drain(timezone.now)


def test_coupons_come_along_through_two_merges(phone, server, alice, bob, charlie):
    grant(alice, 1000)
    taken = redeem(a_reward(kind="coupon", off_amount=500), at=timezone.now())
    merge("alice", "bob")
    merge("bob", "charlie")
    basket = {"member": "charlie", "lines": [{"line": "1", "cash": 4000}]}
    assert [one["code"] for one in server.post("/api/v1/checkout/quote", basket).json()["coupons"]] == [taken.code.code]
    assert len(phone(charlie).get("/api/v1/me/redemptions").json()["results"]) == 1
    assert phone(charlie).post(f"/api/v1/me/redemptions/{taken.uuid}/cancel").json()["restored"] == 100


def test_a_coupon_is_used_for_an_order_of_its_owner_whatever_her_name_and_for_nobody_elses(server, alice, bob, charlie):
    grant(alice, 1000)
    taken = redeem(a_reward(kind="coupon", off_amount=500), at=timezone.now())
    for code, owner in (("o-1", bob), ("o-2", charlie)):
        Order.objects.create(code=code, member=owner, status="completed", completed_at=timezone.now())
    use = f"/api/v1/redemptions/{taken.uuid}/use"
    assert server.post(use, {"order": "o-1"}).json()["code"] == "order_of_another"
    merge("alice", "bob")
    assert server.post(use, {"order": "o-2"}).json()["code"] == "order_of_another"
    assert server.post(use, {"order": "o-1"}).json()["order"] == "o-1"


@pytest.fixture
def pack(alice, bob):
    """Coupons of a partner who has none yet, once a month for bronze and above."""
    perks.member("alice", "bronze")
    perks.member("bob", "bronze")
    pack = perks.benefit("coupon-pack", kind="coupon_pack")
    item = PackItem.objects.create(benefit=pack, reward=a_reward("tea", kind="partner"))
    perks.grant(pack, quota=1, period="month")
    return item.reward


def test_what_is_owed_of_a_pack_is_handed_to_the_one_who_remains(phone, alice, bob, pack):
    assert phone(alice).post("/api/v1/me/benefits/coupon-pack/pack").json()["owed"]
    merge("alice", "bob")
    a_pool(pack, "T-1", "T-2")
    now = timezone.now()
    packs.hand_out(now, now)
    (given,) = phone(bob).get("/api/v1/me/redemptions").json()["results"]
    assert (given["member"], given["code"]) == ("bob", "T-1")
    assert Redemption.objects.count() == 1


def test_a_pack_that_was_had_before_a_merge_is_the_same_pack_after_it(phone, alice, bob, pack):
    phone(alice).post("/api/v1/me/benefits/coupon-pack/pack")
    merge("alice", "bob")
    a_pool(pack, "T-1", "T-2")
    again = phone(bob).post("/api/v1/me/benefits/coupon-pack/pack").json()
    assert ([one["code"] for one in again["redemptions"]], again["owed"]) == (["T-1"], [])
    assert BenefitUse.objects.count() == 1


def test_plays_are_shown_and_count_against_the_limits(phone, alice, bob):
    now = timezone.now()
    grant(alice, 100)
    grant(bob, 100)
    arcade.a_game(at=now - DAY, starts_at=now - DAY, ends_at=now + DAY, lifetime_limit=1)
    arcade.play("joy", "alice", now)
    merge("alice", "bob")
    assert len(phone(bob).get("/api/v1/me/plays").json()["results"]) == 1
    (game,) = phone(bob).get("/api/v1/me/games").json()
    assert (game["available"], game["played_today"], game["reasons"][0]["code"]) == (False, 1, "lifetime_limit")


def test_a_pack_given_by_hand_is_handed_out_to_who_remains_after_four_merges(alice, bob, charlie):
    now, cake = timezone.now(), a_reward("cake", kind="coupon", off_amount=500)
    for name in ("erin", "dave", "charlie"):
        perks.member(name)
    welcome = perks.benefit("welcome", kind="coupon_pack")
    PackItem.objects.create(benefit=welcome, reward=cake)
    member_grants.give(perks.member("erin"), welcome, Actor("Bob"), now, until=now + DAY, reason="late", value=500)
    for source, target in pairwise(["erin", "dave", "alice", "bob", "charlie"]):
        merge(source, target)
    packs.hand_out(now, timezone.now())
    packs.hand_out(now, timezone.now() + DAY / 2)
    assert [(one.reward, one.member) for one in Redemption.objects.all()] == [(cake, charlie)]


@pytest.fixture
def instant(alice, bob):
    """15.00 may be out at a member of bronze and above."""
    perks.member("alice", "bronze")
    perks.member("bob", "bronze")
    perks.grant(perks.benefit("instant-refund", kind="instant_refund"), value=1500)


def test_an_instant_refund_is_settled_under_any_name(server, instant):
    def open_for(name, order):
        return server.post(REFUNDS.format(name), {"order": order, "amount": 500}).json()["uuid"]

    before = open_for("alice", "o-1")
    merge("alice", "bob")
    after = open_for("alice", "o-2")
    for name, refund in (("bob", before), ("alice", after)):
        settled = server.post(f"{REFUNDS.format(name)}/{refund}/settle")
        assert (settled.status_code, settled.json()["status"]) == (200, "received")


def test_a_merge_gives_no_second_limit_and_no_second_refund_for_a_key(server, instant):
    first = {"order": "o-1", "amount": 1000, "key": "k"}
    server.post(REFUNDS.format("alice"), first)
    merge("alice", "bob")
    refused = server.post(REFUNDS.format("bob"), {"order": "o-2", "amount": 1000})
    assert (refused.status_code, refused.json()["code"], refused.json()["open"]) == (409, "exposure_exceeded", 1000)
    assert server.post(REFUNDS.format("bob"), {"order": "o-2", "amount": 500}).status_code == 201
    assert server.post(REFUNDS.format("alice"), first).status_code == 201
    assert InstantRefund.objects.count() == 2


def test_strangers_settle_and_give_back_nothing(server, instant, charlie):
    refund = server.post(REFUNDS.format("alice"), {"order": "o-1", "amount": 1000}).json()["uuid"]
    assert server.post(f"{REFUNDS.format('bob')}/{refund}/settle").status_code == 404
    assert server.post(f"{REFUNDS.format('charlie')}/{refund}/settle").status_code == 404


def test_benefits_are_told_and_given_back_under_any_name(server, alice, bob):
    perks.member("bob", "bronze")
    perks.grant(perks.benefit("parcel"), quota=1)
    merge("alice", "bob")
    uses = "/api/v1/members/alice/benefits/parcel/uses"
    used = server.post(uses, {"key": "k"}).json()["uuid"]
    (told,) = server.get("/api/v1/members/alice/benefits").json()["benefits"]
    assert told["quota"]["left"] == 0
    assert server.post(f"{uses}/{used}/give-back").json()["given_back_at"]
    assert server.get("/api/v1/members/bob/benefits").json()["benefits"][0]["quota"]["left"] == 1


@pytest.fixture
def parcel(alice, bob, charlie):
    """Three parcels a month for bronze and above."""
    for name in ("alice", "bob", "charlie"):
        perks.member(name, "bronze")
    perks.grant(perks.benefit("parcel"), quota=3)


def use(server, name, key):
    return server.post(f"/api/v1/members/{name}/benefits/parcel/uses", {"key": key})


def left(caller, address="/api/v1/me/benefits"):
    (told,) = caller.get(address).json()["benefits"]
    return told["quota"]["used"], told["quota"]["left"]


def test_uses_before_merges_count_against_the_quota_of_who_remains(server, phone, charlie, parcel):
    use(server, "alice", "a-1")
    use(server, "bob", "b-1")
    merge("alice", "bob")
    assert left(server, "/api/v1/members/bob/benefits") == (2, 1)
    merge("bob", "charlie")
    assert use(server, "alice", "c-1").status_code == 201
    assert left(phone(charlie)) == (3, 0)
    refused = use(server, "charlie", "c-2").json()
    assert (refused["code"], refused["quota"], refused["used"]) == ("quota_used_up", 3, 3)
    assert use(server, "charlie", "a-1").status_code == 201, "the same occasion under the new name"
    assert BenefitUse.objects.count() == 3


def test_a_use_from_before_a_merge_that_is_given_back_can_be_used_again(server, parcel):
    used = [use(server, "alice", f"a-{number}").json()["uuid"] for number in range(3)]
    merge("alice", "bob")
    assert use(server, "bob", "b-1").status_code == 409
    assert server.post(f"/api/v1/members/bob/benefits/parcel/uses/{used[0]}/give-back").status_code == 200
    assert left(server, "/api/v1/members/bob/benefits") == (2, 1)
    assert use(server, "bob", "b-1").status_code == 201
    told = list(QuotaEntry.objects.filter(quota__member__external_id="bob").values_list("delta", "balance_after"))
    assert told == [(1, 1), (-1, 0)], "bob's quota is what was left of it, and is used up"


def test_who_parts_again_takes_along_what_she_has_used(server, parcel):
    use(server, "alice", "a-1")
    merge("alice", "bob")
    use(server, "bob", "b-1")
    members.unmerge("alice", timezone.now())
    assert left(server, "/api/v1/members/alice/benefits") == (1, 2)
    assert left(server, "/api/v1/members/bob/benefits") == (1, 2)
    assert [use(server, "bob", key).status_code for key in ("b-2", "b-3", "b-4")] == [201, 201, 409]
