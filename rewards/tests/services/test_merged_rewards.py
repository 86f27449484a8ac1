"""What was under way when a member was merged ends at who remains, and nothing is taken twice (domain.md E58)."""

import pytest

from common.services import outbox
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON, balance
from members.models import Member, Subscription
from members.services import members
from rewards.models import GameVersion, Play, PrizeClaim, Redemption, Reward
from rewards.services import lotteries, prize_claims, redemptions
from rewards.services.refusals import UnknownRedemption
from rewards.tests import arcade
from rewards.tests.shop import STAFF, a_member, a_pool, a_reward, hold, redeem

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def cast():
    """Alice has 1,000 points, Bob 500, and Charlie must not see."""
    a_member(), a_member("bob", 500), a_member("charlie")


def tell():
    while outbox.dispatch(NOON, 100) or outbox.deliver(NOON, 100):
        pass


def merge(source="alice", target="bob"):
    members.merge(source, target, NOON)
    tell()


def named(name):
    return Member.objects.get(external_id=name)


def place(redemption):
    return redemptions.place(redemption.uuid, payment="pay-1", actor=STAFF, at=NOON)


def test_a_reward_on_hold_is_placed_by_its_payment_and_paid_once():
    waiting = hold(a_reward("mug", cash=500, stock=1))
    merge()
    for _twice in range(2):
        assert place(waiting).status == "placed"
    assert (balance("bob").available, balance("bob").held, Reward.objects.get().sold) == (1400, 0, 1)
    assert_proven()


def test_a_reward_on_hold_is_cancelled_by_who_remains_alone():
    waiting = hold(a_reward("mug", cash=500, stock=1))
    merge()
    with pytest.raises(UnknownRedemption):
        redemptions.cancel(waiting.uuid, by=named("charlie"), actor=STAFF, at=NOON)
    assert redemptions.cancel(waiting.uuid, by=named("bob"), actor=STAFF, at=NOON).restored == 100
    assert (balance("bob").available, Reward.objects.get().reserved) == (1500, 0)
    assert_proven()


def test_a_plan_on_hold_runs_for_who_remains():
    waiting = hold(a_reward("plus", kind="plan", cash=500))
    merge()
    place(waiting)
    assert Subscription.objects.get().member == named("bob")


def test_what_waits_for_a_payment_under_an_old_name_is_let_go_when_who_remains_leaves():
    waiting = hold(a_reward("mug", cash=500, stock=1))
    merge()
    members.close("bob", NOON)
    tell()
    waiting.refresh_from_db()
    assert (waiting.status, Reward.objects.get().reserved) == ("cancelled", 0)


def test_a_key_takes_one_reward_and_one_play_under_every_name():
    mug = a_reward("mug", limit_ever=2)
    arcade.a_game(lifetime_limit=2)
    taken, played = redeem(mug, key="k"), arcade.play(key="k", client_seed="mine")
    merge()
    for name in ("alice", "bob"):
        assert redeem(mug, name, key="k") == taken
        assert arcade.play(subject=name, key="k", client_seed="mine") == played
    assert (Redemption.objects.count(), Play.objects.count()) == (1, 1)


def test_a_prize_that_is_owed_is_handed_to_who_remains_while_she_stays():
    video = a_reward("video", kind="partner")
    arcade.a_game(prizes=[{"kind": "coupon", "price": 5, "weight": 1000, "reward": video}], cost_cap_percent=100)
    for name in ("alice", "charlie"):
        arcade.rig(GameVersion.objects.get(), 1, client_seed=name)
        arcade.play(subject=name)
    merge("alice", "bob")
    merge("charlie", "bob")
    a_pool(video, "V-1")
    prize_claims.hand_out(NOON, NOON)
    assert Redemption.objects.get().member == named("bob")
    members.close("bob", NOON)
    tell()
    a_pool(video, "V-2")
    prize_claims.hand_out(NOON + DAY, NOON + DAY)
    assert sorted(PrizeClaim.objects.values_list("status", flat=True)) == ["delivered", "open"]
    assert Redemption.objects.count() == 1


@pytest.mark.parametrize("leaves", [False, True])
def test_a_ticket_of_an_old_name_wins_for_who_remains_or_for_nobody(leaves):
    arcade.a_lottery(least=1, prizes=[{"kind": "points", "points": 10, "stock": 1}])
    arcade.play("lottery")
    merge()
    if leaves:
        members.close("bob", NOON)
        tell()
    drawn = NOON + 2 * DAY
    lotteries.draw(GameVersion.objects.get(), drawn)
    lotteries.settle(drawn, drawn)
    assert balance("bob", drawn).available == (0 if leaves else 1500)
    assert_proven()
