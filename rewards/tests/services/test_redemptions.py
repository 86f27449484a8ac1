"""Redemptions: what a reward costs, what comes back, and what is refused."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import translation

from common.models import Fact
from common.services import outbox
from loyalty.models import Draw, Entry, Hold, Wallet
from loyalty.services import expiring, lapsing
from loyalty.services.desk import ClosedMember
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON, balance, give, set_programme
from members.models import Member, Subscription
from members.services import members
from rewards.models import Code, Redemption, Reward, RewardPrice
from rewards.services import fulfilment, redemptions
from rewards.services.redemptions import HandedOver, HoldOver, KeyReused, PaymentMissing
from rewards.services.refusals import (
    RewardExpired,
    RewardUnavailable,
    RewardUsed,
    UnknownRedemption,
    UnknownReward,
    WrongState,
)
from rewards.tests.shop import STAFF, a_member, a_pool, a_reward, a_tier, hold, redeem

pytestmark = pytest.mark.django_db


def cancel(redemption: Redemption, at: dt.datetime = NOON, **more) -> Redemption:
    return redemptions.cancel(redemption.uuid, actor=STAFF, at=at, **more)


def history(redemption: Redemption) -> list[str]:
    return [event.after for event in redemption.events.all()]


def drain(at: dt.datetime) -> None:
    while outbox.dispatch(at, 100) or outbox.deliver(at, 100):
        pass


def test_a_gift_is_placed_and_its_points_are_spent():
    a_member(points=150)
    redemption = redeem(a_reward("mug", stock=3, unit_cost=900))
    assert (redemption.status, redemption.points, redemption.unit_cost) == ("placed", 100, 900)
    assert balance().available == 50
    assert (Reward.objects.get().sold, Reward.objects.get().reserved) == (1, 0)
    assert [fact.topic for fact in Fact.objects.filter(topic__startswith="re")] == ["reward.redeemed"]
    assert_proven()


def test_a_coupon_is_handed_out_at_once_with_a_code_of_its_own_until_the_end_of_a_day():
    a_member()
    redemption = redeem(a_reward("five-off", kind="coupon", validity_days=7))
    assert history(redemption) == ["placed", "delivered"]
    # 1 March 12:00 in Shanghai and seven days: until the end of 8 March there.
    assert redemption.expires_at == dt.datetime(2026, 3, 8, 16, 0, tzinfo=dt.UTC)
    code = Code.objects.get()
    assert (code.redemption, code.status, code.expires_at) == (redemption, "claimed", redemption.expires_at)
    assert len(code.code.replace("-", "")) == 16
    assert_proven()


def test_a_partners_code_comes_from_the_pool_the_soonest_expiring_first_and_may_end_sooner():
    a_member()
    video = a_reward("video", kind="partner", validity_days=30)
    a_pool(video, "LATE", expires_at=NOON + 60 * DAY)
    a_pool(video, "SOON", expires_at=NOON + 10 * DAY)
    a_pool(video, "NEVER")
    a_pool(video, "OVER", expires_at=NOON)
    taken = [redeem(video) for _ in range(3)]
    assert [redemption.code.code for redemption in taken] == ["SOON", "LATE", "NEVER"]
    assert taken[0].expires_at == NOON + 10 * DAY
    assert taken[1].expires_at == dt.datetime(2026, 3, 31, 16, 0, tzinfo=dt.UTC)
    with pytest.raises(RewardUnavailable) as refusal:
        redeem(video)
    assert refusal.value.code == "out_of_stock"
    assert_proven()


def test_a_plan_begins_when_the_running_term_ends_and_is_used_at_once():
    alice = a_member()
    plus = a_reward("plus-month", kind="plan")
    redeem(plus)
    redemption = redeem(plus)
    first, second = Subscription.objects.filter(member=alice).order_by("starts_at")
    assert (first.starts_at, second.starts_at) == (NOON, first.ends_at)
    assert second.ends_at - second.starts_at == 30 * DAY
    assert redemption.status == "used"


def test_a_donation_is_used_at_once_and_never_refunded():
    a_member()
    redemption = redeem(a_reward("trees", kind="donation"))
    assert history(redemption) == ["placed", "delivered", "used"]
    with pytest.raises(RewardUsed):
        cancel(redemption)
    assert balance().available == 900


def test_points_and_cash_wait_for_the_payment_and_then_are_placed():
    a_member()
    redemption = redeem(a_reward("headphones", cash=49_00, stock=1))
    assert (redemption.status, redemption.cash) == ("held", 49_00)
    assert (balance().available, balance().held) == (900, 100)
    assert (Reward.objects.get().sold, Reward.objects.get().reserved) == (0, 1)
    with pytest.raises(PaymentMissing):
        redemptions.place(redemption.uuid, actor=STAFF, at=NOON)
    for _twice in range(2):
        redemption = redemptions.place(redemption.uuid, payment="pay-1", actor=STAFF, at=NOON)
    assert history(redemption) == ["held", "placed"]
    assert (balance().available, balance().held) == (900, 0)
    assert (Reward.objects.get().sold, Reward.objects.get().reserved) == (1, 0)
    assert_proven()


def test_a_redemption_nobody_pays_for_lets_go_by_itself():
    set_programme(hold_minutes=30)
    a_member()
    redemption = redeem(a_reward(cash=1, stock=1))
    late = NOON + dt.timedelta(minutes=30)
    lapsing.lapse(late, late)
    drain(late)
    redemption.refresh_from_db()
    assert (redemption.status, balance().available) == ("cancelled", 1000)
    assert Reward.objects.get().reserved == 0
    step = redemption.events.last()
    assert (step.reason, step.why) == ("unpaid", "Nobody paid in time.")
    with translation.override("zh-hans"):
        assert step.why == "没有人按时付款。"
    assert_proven()


def test_a_payment_that_comes_too_late_is_refused_even_if_the_job_is_late():
    a_member()
    redemption = redeem(a_reward(cash=1))
    with pytest.raises(HoldOver):
        redemptions.place(redemption.uuid, payment="p", actor=STAFF, at=NOON + DAY)
    assert balance(at=NOON + DAY).available == 1000


def test_a_lot_that_expires_while_held_is_honoured_if_placed_in_time():
    """domain.md E62."""
    give(100, expires_at=NOON + dt.timedelta(minutes=10))
    redemption = redeem(a_reward(cash=1))
    expiring.expire(NOON + dt.timedelta(minutes=11), NOON + dt.timedelta(minutes=11))
    redemptions.place(redemption.uuid, payment="p", actor=STAFF, at=NOON + dt.timedelta(minutes=12))
    assert Redemption.objects.get().status == "placed"
    assert_proven()


def test_a_cancelled_gift_gives_the_points_back_to_the_very_lots():
    give(60, expires_at=NOON + 5 * DAY)
    give(60, expires_at=NOON + 9 * DAY)
    redemption = redeem(a_reward(stock=1))
    assert balance().expiring[0][1] == 20
    assert cancel(redemption, reason="Changed my mind").restored == 100
    assert [amount for _day, amount in balance().expiring] == [60, 60]
    taken = Draw.objects.filter(account=redemption.account, seq=redemption.seq).values_list("lot_seq", "points")
    came = Draw.objects.filter(account=redemption.account, points__lt=0).values_list("lot_seq", "points")
    assert sorted(taken) == sorted((lot, -points) for lot, points in came)
    assert Reward.objects.get().sold == 0
    assert_proven()


def test_points_that_expired_meanwhile_are_lost_unless_the_programme_gives_grace():
    give(60, expires_at=NOON + 1 * DAY)
    give(60, expires_at=NOON + 9 * DAY)
    redemption = redeem(a_reward())
    cancelled = cancel(redemption, NOON + 2 * DAY)
    assert (cancelled.restored, balance(at=NOON + 2 * DAY).available) == (40, 60)
    assert_proven()
    set_programme(refund_grace_days=3)
    give(100, "bob", expires_at=NOON + DAY)
    redemption = redeem(a_reward(), "bob")
    assert cancel(redemption, NOON + 2 * DAY).restored == 100
    assert balance("bob", NOON + 2 * DAY).available == 100
    assert_proven()


def test_a_cancel_pays_a_debt_first():
    a_member(points=100)
    redemption = redeem(a_reward())
    from loyalty.tests.cast import owe

    owe(Wallet.objects.get(member__external_id="alice").account, 30)
    cancel(redemption)
    assert balance().available == 70
    assert_proven()


def test_cancelling_twice_gives_back_once():
    a_member()
    redemption = redeem(a_reward())
    cancel(redemption)
    cancel(redemption)
    assert (balance().available, history(redemption)) == (1000, ["placed", "cancelled"])


def test_an_unused_coupon_is_handed_back_by_the_member_and_its_code_is_void():
    alice = a_member()
    redemption = redeem(a_reward(kind="coupon"))
    assert cancel(redemption, by=alice).status == "returned"
    assert (balance().available, Code.objects.get().status) == (1000, "void")
    assert_proven()


def test_a_used_coupon_is_not_given_back():
    alice = a_member()
    redemption = redeem(a_reward(kind="coupon"))
    fulfilment.use(redemption.uuid, reason="order o-9", actor=STAFF, at=NOON)
    for undo in (lambda: cancel(redemption, by=alice), lambda: cancel(redemption)):
        with pytest.raises(RewardUsed) as refusal:
            undo()
        assert refusal.value.status == 409
    assert (balance().available, Code.objects.get().status) == (900, "used")
    assert_proven()


def test_a_coupon_is_good_again_when_its_order_was_cancelled_as_a_whole():
    """domain.md E14."""
    a_member()
    redemption = redeem(a_reward(kind="coupon", validity_days=1))
    fulfilment.use(redemption.uuid, reason="order o-9", actor=STAFF, at=NOON)
    for _twice in range(2):
        fulfilment.reinstate(redemption.uuid, reason="order o-9 cancelled", actor=STAFF, at=NOON)
    assert history(redemption) == ["placed", "delivered", "used", "delivered"]
    assert Code.objects.get().status == "claimed"
    assert_proven()
    fulfilment.use(redemption.uuid, actor=STAFF, at=NOON)
    with pytest.raises(RewardExpired):
        fulfilment.reinstate(redemption.uuid, actor=STAFF, at=redemption.expires_at)
    with pytest.raises(WrongState):
        fulfilment.reinstate(redeem(a_reward(kind="donation")).uuid, actor=STAFF, at=NOON)


def test_a_cancelled_order_makes_its_coupons_good_again_but_no_others_and_none_that_has_expired():
    """domain.md E14: a donation, a lapsed coupon and another order's stay used; told again nothing happens."""
    a_member(), a_member("bob")
    taken = {
        "good": redeem(a_reward(kind="coupon")),
        "of a day": redeem(a_reward(kind="coupon", validity_days=2)),
        "lapsed": redeem(a_reward(kind="coupon", validity_days=1)),
        "of bob": redeem(a_reward(kind="coupon"), "bob"),
        "elsewhere": redeem(a_reward(kind="coupon")),
    }
    for name, redemption in taken.items():
        order = "o-2" if name == "elsewhere" else "o-1"
        fulfilment.use(redemption.uuid, order=order, actor=STAFF, at=NOON)
    Redemption.objects.filter(pk=redeem(a_reward(kind="donation")).pk).update(order_code="o-1")
    for _twice in range(2):
        fulfilment.reinstate_for("o-1", actor=STAFF, at=taken["lapsed"].expires_at)
    found = {
        name: Redemption.objects.select_related("code").get(pk=redemption.pk) for name, redemption in taken.items()
    }
    assert {name: (one.status, one.order_code, one.code.status) for name, one in found.items()} == {
        "good": ("delivered", "", "claimed"),
        "of a day": ("delivered", "", "claimed"),
        "lapsed": ("used", "o-1", "used"),
        "of bob": ("delivered", "", "claimed"),
        "elsewhere": ("used", "o-2", "used"),
    }
    assert Redemption.objects.get(reward__kind="donation").status == "used"
    assert found["good"].events.last().why == "Order o-1 was cancelled."
    assert Fact.objects.filter(topic="redemption.reinstated").count() == 3
    assert_proven()


def test_a_hold_for_points_alone_is_placed_once_however_often_it_is_told():
    a_member()
    redemption = hold(a_reward(stock=1))
    for _twice in range(2):
        assert redemptions.place(redemption.uuid, actor=STAFF, at=NOON).status == "placed"
    assert (balance().available, Reward.objects.get().sold) == (900, 1)
    assert_proven()


def test_what_has_expired_is_neither_used_nor_given_back_even_if_the_job_is_late():
    a_member()
    redemption = redeem(a_reward(kind="coupon", validity_days=1))
    for late in (
        lambda: fulfilment.use(redemption.uuid, actor=STAFF, at=redemption.expires_at),
        lambda: redemptions.give_back(redemption.uuid, reason="r", actor=STAFF, at=redemption.expires_at),
    ):
        with pytest.raises(RewardExpired):
            late()
    assert fulfilment.use(redemption.uuid, actor=STAFF, at=redemption.expires_at - DAY / 10**6).status == "used"


def test_a_partners_code_is_taken_back_by_the_shop_but_not_by_the_member():
    alice = a_member()
    video = a_reward(kind="partner")
    a_pool(video, "V-1", "V-2")
    redemption = redeem(video)
    with pytest.raises(HandedOver):
        cancel(redemption, by=alice)
    redemptions.give_back(redemption.uuid, reason="The partner says unused", actor=STAFF, at=NOON)
    assert balance().available == 1000
    assert redeem(video).code.code == "V-2"  # V-1 was seen
    assert_proven()


def test_a_member_cancels_a_placed_gift_but_not_one_that_is_being_packed():
    alice = a_member()
    first, second = redeem(a_reward("mug")), redeem(a_reward("cup"))
    assert cancel(first, by=alice).status == "cancelled"
    fulfilment.fulfil(second.uuid, actor=STAFF, at=NOON)
    with pytest.raises(HandedOver):
        cancel(second, by=alice)
    assert cancel(second).status == "cancelled"  # the shop may


def test_nobody_cancels_what_is_somebody_elses():
    a_member()
    charlie = a_member("charlie")
    redemption = redeem(a_reward())
    with pytest.raises(UnknownRedemption):
        cancel(redemption, by=charlie)


def test_the_same_key_takes_a_reward_once_and_stands_for_no_other():
    a_member(points=100)
    mug = a_reward("mug")
    assert redeem(mug, key="k-1") == redeem(mug, key="k-1")
    assert (Redemption.objects.count(), balance().available) == (1, 0)
    with pytest.raises(KeyReused):
        redeem(a_reward("cup"), key="k-1")


def test_a_reward_that_is_not_there_or_not_visible_is_unknown():
    a_member()
    a_reward("draft", status="draft")
    a_reward("early", visible_from=NOON + DAY)
    a_reward("over", visible_until=NOON)
    for code in ("nothing", "draft", "early", "over"):
        with pytest.raises(UnknownReward):
            redemptions.redeem("alice", code, actor=STAFF, at=NOON)


def test_a_refused_redemption_changes_nothing():
    a_member(points=99)
    reward = a_reward(stock=1)
    with pytest.raises(RewardUnavailable) as refusal:
        redeem(reward)
    assert (refusal.value.code, refusal.value.extra["missing"]) == ("insufficient_points", 1)
    assert not Redemption.objects.exists()
    assert not Entry.objects.filter(kind="redeem").exists()
    assert Reward.objects.get().sold == 0


def test_who_has_left_takes_nothing():
    a_member()
    members.close("alice", NOON)
    with pytest.raises(ClosedMember):
        redemptions.redeem("alice", a_reward().code, actor=STAFF, at=NOON)


def test_a_member_who_leaves_leaves_no_redemption_waiting():
    a_member()
    redemption = redeem(a_reward(cash=1, stock=1))
    members.close("alice", NOON)
    drain(NOON)
    redemption.refresh_from_db()
    assert (redemption.status, Reward.objects.get().reserved, Hold.objects.get().status) == ("cancelled", 0, "released")
    assert_proven()


def test_points_of_a_member_who_left_do_not_come_back():
    a_member()
    redemption = redeem(a_reward())
    members.close("alice", NOON)
    drain(NOON)
    assert cancel(redemption).restored == 0
    assert balance().available == 0
    assert_proven()


def test_a_merged_members_redemption_is_given_back_to_the_one_who_remains():
    a_member("alice")
    bob = a_member("bob", points=500)
    redemption, waiting = redeem(a_reward(limit_ever=1)), redeem(a_reward(cash=1))
    members.merge("alice", "bob", NOON)
    drain(NOON)
    assert balance("bob").available == 500 + 800
    assert cancel(redemption, by=bob).restored == 100
    cancel(waiting)
    assert balance("bob").available == 500 + 1000
    assert_proven()


def test_a_limit_counts_what_a_merged_member_took():
    a_member("alice")
    a_member("bob")
    mug = a_reward("mug", limit_ever=1)
    redeem(mug, "alice")
    members.merge("alice", "bob", NOON)
    drain(NOON)
    with pytest.raises(RewardUnavailable) as refusal:
        redeem(mug, "bob")
    assert refusal.value.code == "limit_reached"


def test_the_price_that_was_paid_stays_whatever_becomes_of_the_reward():
    gold = a_tier("gold", 3)
    a_member(tier=gold)
    mug = a_reward("mug", points=100, unit_cost=500)
    RewardPrice.objects.create(reward=mug, tier=gold, points=80)
    redemption = redeem(mug)
    Reward.objects.update(points=999, unit_cost=999)
    redemption.refresh_from_db()
    assert (redemption.points, redemption.basis, redemption.unit_cost) == (80, "tier:gold", 500)


def test_the_sponsor_bears_its_share_rounded_down():
    from merchants.models import Merchant

    a_member()
    acme = Merchant.objects.create(code="acme", name="ACME")
    redemption = redeem(a_reward(unit_cost=333, merchant=acme, merchant_percent=50))
    assert (redemption.merchant, redemption.merchant_cost) == (acme, 166)


@pytest.mark.parametrize("verb", ["fulfil", "ship", "deliver"])
def test_what_is_no_gift_is_not_packed(verb):
    a_member()
    redemption = redeem(a_reward(kind="coupon"))
    with pytest.raises(fulfilment.NoParcel):
        getattr(fulfilment, verb)(redemption.uuid, actor=STAFF, at=NOON)


def test_a_gift_is_packed_sent_delivered_and_may_come_back():
    a_member()
    redemption = redeem(a_reward(stock=1))
    fulfilment.fulfil(redemption.uuid, actor=STAFF, at=NOON)
    for _twice in range(2):
        fulfilment.ship(redemption.uuid, tracking="SF-1", actor=STAFF, at=NOON)
    with pytest.raises(WrongState):
        fulfilment.fulfil(redemption.uuid, actor=STAFF, at=NOON)
    with pytest.raises(WrongState):
        cancel(redemption)
    fulfilment.deliver(redemption.uuid, actor=STAFF, at=NOON)
    redemptions.give_back(redemption.uuid, reason="Broken", actor=STAFF, at=NOON)
    redemption.refresh_from_db()
    assert history(redemption) == ["placed", "fulfilling", "shipped", "delivered", "returned"]
    assert (redemption.tracking, balance().available, Reward.objects.get().sold) == ("SF-1", 1000, 0)
    assert Member.objects.get().external_id == "alice"
    assert_proven()
