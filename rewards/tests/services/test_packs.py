"""Packs of rewards: once a member and period, by night and on demand; what is not there is owed and given later."""

from __future__ import annotations

import datetime as dt
import threading
import time

import pytest
from django.db import connection, transaction
from django.utils import timezone

from common.models import Fact, JobRun, Staff
from common.services.audit import Actor
from loyalty.tests.proven import assert_proven
from loyalty.tests.services.test_jobs_under_fire import together
from loyalty.tests.stage import DAY, NOON
from members.models import Member
from rewards.models import (
    Benefit,
    BenefitGrant,
    BenefitUse,
    Code,
    ContentsStandFast,
    MemberGrant,
    PackGift,
    PackItem,
    Quota,
    QuotaEntry,
    Redemption,
    Reward,
)
from rewards.selectors import coupons, entitlements
from rewards.services import benefits, fulfilment, grants, member_grants, packs, redemptions
from rewards.services.quotas import QuotaUsedUp
from rewards.tests import perks
from rewards.tests.shop import STAFF, a_pool, a_reward

pytestmark = pytest.mark.django_db

NEXT_MONTH = NOON + 31 * DAY


def night(at: dt.datetime = NOON) -> dict:
    return packs.hand_out(at, at).counts


def taken(name: str = "alice") -> list[str]:
    """The rewards a member was given."""
    rows = Redemption.objects.filter(member__external_id=name).order_by("pk")
    return list(rows.values_list("reward__code", flat=True))


@pytest.fixture
def pack(db):
    """Two coupons a month for bronze and above, and a mug for gold."""
    found = perks.benefit("coupon-pack", kind=Benefit.Kind.COUPON_PACK)
    off = a_reward("ten-off", kind="coupon", off_amount=1000, validity_days=30, unit_cost=800)
    found.pack_items.create(benefit=found, reward=off, quantity=2)
    found.pack_items.create(benefit=found, reward=a_reward("mug", unit_cost=900), least_tier=perks.tier("gold"))
    perks.grant(found, value=2000)
    return found


def test_the_night_hands_a_pack_out_once_a_month_to_everybody_who_has_the_benefit(pack):
    for name, tier in {"alice": "bronze", "bob": "gold", "charlie": "registered"}.items():
        perks.member(name, tier)
    assert night() == {"packs": 2, "given": 5, "owed": 0}
    assert (taken("alice"), taken("bob"), taken("charlie")) == (["ten-off"] * 2, ["ten-off", "ten-off", "mug"], [])
    assert night(NOON + DAY) == {"packs": 0, "given": 0, "owed": 0}
    assert night(NEXT_MONTH)["packs"] == 2
    assert len(taken("alice")) == 4
    assert_proven()


def test_what_is_given_is_a_redemption_of_no_points_with_a_code_and_an_end(pack):
    alice = perks.member()
    night()
    one, two = coupons.held(alice, NOON)
    assert (one.status, one.points, one.basis, one.unit_cost) == ("delivered", 0, "gift", 800)
    assert one.expires_at == two.expires_at == redemptions.good_until(one.reward, NOON)
    assert one.code.code != two.code.code
    assert [event.after for event in one.events.order_by("pk")] == ["placed", "delivered"]
    told = Fact.objects.filter(key="alice").values_list("topic", flat=True)
    assert sorted(told) == [
        "benefit.pack_opened", "redemption.delivered", "redemption.delivered", "reward.given", "reward.given",
    ]  # fmt: skip


def test_a_gift_out_of_a_pack_is_packed_and_sent_like_any_other(pack):
    perks.member("bob", "gold")
    night()
    mug = Redemption.objects.get(reward__code="mug")
    assert mug.status == "placed"
    fulfilment.ship(mug.uuid, tracking="SF-1", actor=STAFF, at=NOON)
    fulfilment.deliver(mug.uuid, actor=STAFF, at=NOON)
    redemptions.give_back(mug.uuid, reason="Broken", actor=STAFF, at=NOON)
    mug.refresh_from_db()
    assert (mug.status, mug.restored) == ("returned", 0)
    assert_proven()


def test_a_pack_counts_in_the_quotas_ledger_and_in_what_benefits_cost(pack):
    perks.member()
    night()
    use, quota = BenefitUse.objects.get(), Quota.objects.get()
    assert (use.key, use.cost, use.quota) == ("pack:2026-03", 1600, quota)
    assert (quota.granted, quota.used) == (1, 1)
    kinds = QuotaEntry.objects.order_by("seq").values_list("kind", "balance_after")
    assert list(kinds) == [("grant", 1), ("use", 0)]


def test_on_demand_a_pack_comes_at_once_and_again_it_is_the_same(pack):
    alice = perks.member()
    first = packs.claim(alice, "coupon-pack", NOON)
    assert packs.claim(alice, "coupon-pack", NOON + DAY) == first
    assert night() == {"packs": 0, "given": 0, "owed": 0}
    assert len(taken()) == 2


def test_who_is_not_entitled_or_has_used_it_up_is_told_so(pack):
    charlie, alice = perks.member("charlie", "registered"), perks.member()
    with pytest.raises(benefits.NotEntitled):
        packs.claim(charlie, "coupon-pack", NOON)
    with pytest.raises(benefits.UnknownBenefit):
        packs.claim(alice, "nothing", NOON)
    parcel = perks.benefit("parcel")
    perks.grant(parcel, quota=1)
    with pytest.raises(packs.NothingToHandOut):
        packs.claim(alice, "parcel", NOON)
    benefits.use(alice, "parcel", NOON, key="once")
    with pytest.raises(QuotaUsedUp):
        packs.claim(alice, "parcel", NOON)


def test_a_pack_is_not_used_or_given_back_as_a_whole(pack):
    alice = perks.member()
    with pytest.raises(benefits.HandedOutInPacks):
        benefits.use(alice, "coupon-pack", NOON, key="x")
    use = packs.claim(alice, "coupon-pack", NOON)
    with pytest.raises(benefits.HandedOutInPacks):
        benefits.give_back(alice, "coupon-pack", use.uuid, NOON)


def test_a_benefit_without_contents_is_still_used_as_the_shop_says():
    perks.grant(perks.benefit("coupon-pack", kind=Benefit.Kind.COUPON_PACK), value=2000)
    alice = perks.member()
    assert night() == {}
    assert benefits.use(alice, "coupon-pack", NOON, key="x").value == 2000
    assert [one.quota for one in entitlements.of(alice, NOON)] == [1]


def test_coupons_are_for_bronze_and_above_even_in_packs(pack):
    """domain.md S2-49."""
    perks.grant(pack, perks.tier("registered"), value=2000)
    charlie = perks.member("charlie", "registered")
    assert night() == {"packs": 0, "given": 0, "owed": 0}
    with pytest.raises(packs.NothingToHandOut):
        packs.claim(charlie, "coupon-pack", NOON)


def test_what_the_pool_lacks_is_owed_and_given_when_it_is_filled():
    video = perks.benefit("video-year", kind=Benefit.Kind.PARTNER_RIGHT)
    reward = a_reward("video", kind="partner")
    video.pack_items.create(reward=reward)
    perks.grant(video, quota=1, period="year")
    for name in ("alice", "bob", "charlie"):
        perks.member(name)
    a_pool(reward, "V-1", "V-2")
    assert night() == {"packs": 3, "given": 2, "owed": 1}
    assert night(NOON + DAY) == {"packs": 0, "given": 0, "owed": 1}
    a_pool(reward, "V-3")
    assert night(NOON + 2 * DAY) == {"packs": 0, "given": 1, "owed": 0}
    assert [taken(name) for name in ("alice", "bob", "charlie")] == [["video"]] * 3
    held = Code.objects.order_by("code").values_list("code", "redemption__member__external_id", "status")
    assert list(held) == [(f"V-{n}", name, "claimed") for n, name in ((1, "alice"), (2, "bob"), (3, "charlie"))]
    assert_proven()


def test_a_stock_and_a_retired_reward_leave_gifts_owed_too(pack):
    Reward.objects.filter(code="ten-off").update(stock=3)
    perks.member("alice")
    perks.member("bob")
    assert night() == {"packs": 2, "given": 3, "owed": 1}
    assert Reward.objects.get(code="ten-off").left == 0
    Reward.objects.filter(code="ten-off").update(stock=10, status="retired")
    assert night(NOON + DAY)["owed"] == 1
    Reward.objects.filter(code="ten-off").update(status="active")
    assert night(NOON + 2 * DAY) == {"packs": 0, "given": 1, "owed": 0}
    assert_proven()


def test_gifts_do_not_count_against_the_limits_of_the_catalogue(pack):
    Reward.objects.filter(code="ten-off").update(limit_ever=1)
    alice = perks.member()
    night()
    offer = redemptions.quote(alice, "ten-off", NOON)
    assert "limit_reached" not in [reason["code"] for reason in offer.reasons]


def test_a_pack_of_a_paid_plan_comes_once_a_term_and_by_hand_for_as_long_as_it_was_given():
    right = perks.benefit("video-year", kind=Benefit.Kind.PARTNER_RIGHT)
    right.pack_items.create(reward=a_reward("video", kind="coupon"))
    perks.grant(right, perks.plus(perks.member()), period="term", quota=1)
    bob = perks.member("bob")
    MemberGrant.objects.create(
        member=bob, benefit=right, reference="hand:1", reason="Sorry", period="term", starts_at=NOON,
        ends_at=NOON + 30 * DAY, given_at=NOON,
    )  # fmt: skip
    assert night()["packs"] == 2
    assert night(NEXT_MONTH)["packs"] == 0


def test_who_was_merged_into_another_brings_her_pack_along(pack):
    """domain.md E58."""
    alice, bob = perks.member(), perks.member("bob")
    night()
    Member.objects.filter(pk=bob.pk).update(status="merged", merged_into=alice)
    BenefitUse.objects.filter(member=alice).update(key="pack:2026-02")
    assert night(NOON + DAY)["packs"] == 0


def test_many_members_cost_hardly_more_queries_than_a_few(pack):
    def queries(first: int, count: int) -> int:
        people = [perks.member(f"m-{number}") for number in range(first, first + count)]
        before = len(connection.queries_log)
        connection.force_debug_cursor = True
        packs._hand_out(people, NOON)
        connection.force_debug_cursor = False
        return len(connection.queries_log) - before

    connection.queries_log.clear()
    few = queries(0, 3)
    assert queries(100, 40) <= few + 5 <= 40  # long inserts are cut in two
    assert PackGift.objects.count() == 86


def test_a_run_that_died_goes_on_where_it_was(pack):
    perks.member()
    assert JobRun.objects.filter(job=packs.JOB).count() == 0
    night()
    night()
    assert JobRun.objects.get(job=packs.JOB).counts["packs"] == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_ten_who_claim_at_once_get_one_pack_and_no_code_twice():
    right = perks.benefit("video-year", kind=Benefit.Kind.PARTNER_RIGHT)
    reward = a_reward("video", kind="partner")
    right.pack_items.create(reward=reward, quantity=2)
    perks.grant(right, quota=1)
    people = [perks.member(name) for name in ("alice", "bob")]
    a_pool(reward, "V-1", "V-2", "V-3", "V-4", "V-5")
    failures: list[Exception] = []

    def race(number: int) -> None:
        try:
            packs.claim(people[number % 2], "video-year", NOON) if number < 8 else night(NOON + number * DAY)
        except Exception as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=race, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    night(NOON + 20 * DAY)  # what one passed over because another held it
    assert [len(taken(name)) for name in ("alice", "bob")] == [2, 2]
    assert BenefitUse.objects.count() == 2
    assert Code.objects.filter(status="claimed").count() == 4
    assert not PackGift.objects.filter(redemption=None).exists()


# What was agreed to -------------------------------------------------------------------------------------------


def change(item: PackItem) -> None:
    item.quantity = 3
    item.save()


def change_many(item: PackItem) -> None:
    item.quantity = 3
    PackItem.objects.bulk_update([item], ["quantity"])


WAYS = {
    "saving": change,
    "updating": lambda item: PackItem.objects.filter(pk=item.pk).update(quantity=3),
    "updating many": change_many,
    "deleting": lambda item: item.delete(),
    "deleting many": lambda item: PackItem.objects.filter(pk=item.pk).delete(),
    "adding": lambda item: item.benefit.pack_items.create(reward=a_reward("pen")),
    "adding many": lambda item: PackItem.objects.bulk_create([PackItem(benefit=item.benefit, reward=a_reward("pen"))]),
    "moving": lambda item: PackItem.objects.filter(pk=item.pk).update(benefit=perks.benefit("other")),
    "moving by hand": lambda item: PackItem(pk=item.pk, benefit=perks.benefit("other"), reward=item.reward).save(),
}


def contents() -> list[tuple]:
    return list(PackItem.objects.order_by("pk").values_list("benefit__code", "reward__code", "quantity"))


@pytest.mark.parametrize("way", WAYS)
def test_what_members_have_is_changed_in_no_way(pack, way):
    before = contents()
    with pytest.raises(ContentsStandFast), transaction.atomic():
        WAYS[way](PackItem.objects.first())
    assert contents() == before


@pytest.mark.parametrize("way", [way for way in WAYS if way != "moving"])
def test_what_nobody_has_any_more_may_be_changed(pack, way):
    BenefitGrant.objects.update(effective_until=NOON)
    before = contents()
    WAYS[way](PackItem.objects.first())
    assert contents() != before


def by_bundle(pack: Benefit) -> None:
    perks.grant(perks.bundle((pack, {"value": 1})))


def by_birthday(pack: Benefit) -> None:
    perks.grant(perks.benefit("birthday", kind="birthday_pack"), pack=perks.bundle((pack, {"value": 1})))


def by_hand(pack: Benefit) -> None:
    now = timezone.now()
    member_grants.give(perks.member(), pack, STAFF, now, until=now + DAY, reason="Sorry", value=1)


def by_plan_from_tomorrow_on(pack: Benefit) -> None:
    perks.grant(pack, perks.plus(perks.member()), effective_from=timezone.now() + DAY)


@pytest.mark.parametrize("give", [by_bundle, by_birthday, by_hand, by_plan_from_tomorrow_on])
def test_contents_stand_fast_by_whatever_way_members_come_to_them(give):
    pack = perks.benefit("coupon-pack", kind=Benefit.Kind.COUPON_PACK)
    item = pack.pack_items.create(reward=a_reward("ten-off", kind="coupon"))
    change(item)
    give(pack)
    with pytest.raises(ContentsStandFast):
        change(item)


def test_a_draft_of_a_grant_leaves_the_contents_open():
    pack = perks.benefit("coupon-pack", kind=Benefit.Kind.COUPON_PACK)
    perks.grant(pack, value=1, status="draft", effective_from=None, activated_at=None)
    change(pack.pack_items.create(reward=a_reward("ten-off", kind="coupon")))
    assert pack.pack_items.get().quantity == 3


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["grant", "hand"])
def test_contents_are_changed_before_somebody_agrees_to_them_or_not_at_all(way):
    """Whoever comes second waits for the first, and then sees what it has done."""
    pack = perks.benefit("coupon-pack", kind=Benefit.Kind.COUPON_PACK)
    item = pack.pack_items.create(reward=a_reward("ten-off", kind="coupon"))
    draft = perks.grant(pack, value=1, status="draft", effective_from=None, activated_at=None)
    author, now = Staff.objects.create(username="rhoda"), timezone.now()

    def agree() -> None:
        with transaction.atomic():
            by_hand(pack) if way == "hand" else grants.activate(draft, Actor("Rhoda", author), now, now)
            agreed.set()
            time.sleep(0.5)

    perks.member()
    agreed = threading.Event()

    def change_meanwhile() -> None:
        agreed.wait(5)
        change(item)

    _agreed, refused = together(agree, change_meanwhile)
    assert isinstance(refused, ContentsStandFast)
    assert PackItem.objects.get().quantity == 1
