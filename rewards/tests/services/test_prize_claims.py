"""Prizes of the catalogue are handed out at once; what was not there is handed out later; gifts are sent by hand."""

import datetime as dt

import pytest

from common.services.audit import Actor
from loyalty.selectors import programme
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON, give
from members.services import members
from rewards.models import Code, GameVersion, PrizeClaim, Redemption
from rewards.selectors import coupons, odds
from rewards.services import games, lotteries, prize_claims
from rewards.tests.arcade import a_draft, a_game, a_lottery, new_seed, person, play, rig
from rewards.tests.shop import a_pool, a_reward

pytestmark = pytest.mark.django_db


def a_coupon(**values):
    return a_reward("five-off", kind="coupon", off_amount=500, perceived_value=5, **values)


def a_wheel(reward, **prize):
    """Every turn wins the reward."""
    values = {"kind": "coupon", "price": 5, "weight": 1000, "reward": reward, "name": "Five off"}
    version = a_game("wheel", prizes=[values | prize], cost_cap_percent=100)
    rig(version, 1)
    return version


def won(name="alice") -> PrizeClaim:
    return PrizeClaim.objects.get(play__member__external_id=name)


def test_a_coupon_that_was_won_can_be_used_at_once():
    a_wheel(a_coupon(validity_days=30))
    give(10)
    play("wheel")
    claim = won()
    assert (claim.status, claim.delivered_at, claim.redemption.status) == ("delivered", NOON, "delivered")
    (held,) = coupons.held(claim.play.member, NOON)
    assert (held, held.points, held.expires_at is not None) == (claim.redemption, 0, True)
    assert held.events.first().reason == "Wheel"
    assert_proven()


def test_a_code_of_a_partner_is_handed_out_and_one_that_is_missing_is_owed_until_there_is_one():
    reward = a_reward("video", kind="partner")
    a_wheel(reward)
    a_pool(reward, "V-1")
    for name in ("alice", "bob"):
        give(10, name)
        play("wheel", name)
    assert [won(name).status for name in ("alice", "bob")] == ["delivered", "open"]
    assert prize_claims.hand_out(NOON, NOON).counts == {"handed_out": 0, "owed": 1}
    a_pool(reward, "V-2")
    assert prize_claims.hand_out(NOON + DAY, NOON + DAY).counts == {"handed_out": 1, "owed": 0}
    assert [won(name).redemption.code.code for name in ("alice", "bob")] == ["V-1", "V-2"]
    assert prize_claims.hand_out(NOON + 2 * DAY, NOON + 2 * DAY).counts == {}
    assert_proven()


def test_one_claim_is_handed_out_by_hand_or_refused():
    reward = a_reward("video", kind="partner")
    a_wheel(reward)
    give(10)
    play("wheel")
    felix = person("felix")
    with pytest.raises(prize_claims.NothingLeft):
        prize_claims.hand_out_one(won(), felix, NOON)
    a_pool(reward, "V-1")
    assert prize_claims.hand_out_one(won(), felix, NOON).redemption.code.code == "V-1"
    with pytest.raises(prize_claims.ClaimMovedOn):
        prize_claims.hand_out_one(won(), felix, NOON)


def test_a_gift_is_still_sent_by_hand():
    a_game("wheel", prizes=[{"kind": "gift", "price": 5, "weight": 1000, "name": "Mug"}], cost_cap_percent=100)
    give(10)
    play("wheel")
    assert (won().status, won().redemption) == ("open", None)
    prize_claims.send(won(), "SF-1", Actor("test"), NOON)
    assert prize_claims.deliver(won(), Actor("test"), NOON).status == "delivered"
    assert not Redemption.objects.exists()


def test_the_winners_of_a_lottery_have_their_codes_when_it_is_drawn():
    reward = a_coupon()
    a_lottery(least=2, prizes=[{"kind": "coupon", "price": 5, "stock": 2, "reward": reward}])
    for name in ("alice", "bob"):
        give(10, name)
        play("lottery", name)
    drawn = NOON + DAY + dt.timedelta(hours=1)
    lotteries.draw(GameVersion.objects.get(), drawn)
    assert {won(name).status for name in ("alice", "bob")} == {"delivered"}
    assert Code.objects.filter(status="claimed").count() == 2


def test_who_has_left_before_the_draw_is_handed_nothing():
    a_lottery(least=1, prizes=[{"kind": "coupon", "price": 5, "stock": 1, "reward": a_coupon()}])
    give(10)
    play("lottery")
    members.close("alice", NOON)
    drawn = NOON + DAY + dt.timedelta(hours=1)
    lotteries.draw(GameVersion.objects.get(), drawn)
    assert won().status == "open"
    assert prize_claims.hand_out(drawn, drawn).counts == {}


@pytest.mark.parametrize(
    ("reward", "prize", "fault"),
    [
        ({"status": "retired"}, {}, "reward_not_active"),
        ({"perceived_value": 6}, {}, "price_below_reward"),
        ({}, {"price": 50_000_01}, "top_prize_too_high"),
    ],
)
def test_a_prize_of_the_catalogue_must_be_there_and_be_worth_what_its_price_says(reward, prize, fault):
    """The limit of 50,000 yuan asks for the market price, so that may not be less than what members see."""
    values = {"kind": "coupon", "price": 5, "weight": 1, "reward": a_reward(kind="coupon", **reward)} | prize
    with pytest.raises(games.GameNotSound) as refused:
        games.activate(a_draft(prizes=[values]), person("felix"), NOON, new_seed)
    assert fault in [reason["code"] for reason in refused.value.extra["reasons"]]


def test_all_that_one_play_wins_is_never_worth_more_than_the_top_of_its_odds():
    """The law adds up what one ticket can win: here that is one prize, also when its stock is gone and another is given."""
    dear = {"kind": "coupon", "price": 9, "weight": 500, "stock": 1, "reward": a_coupon(), "name": "Five off"}
    version = a_game("wheel", prizes=[dear, {"kind": "points", "points": 3, "weight": 500, "is_fallback": True}])
    give(300)
    made = [play("wheel", client_seed=f"seed-{number}") for number in range(30)]
    assert {one.prize.name if one.prize else "" for one in made} >= {"Five off", "Prize 2"}
    top = odds.of(version, list(version.prizes.all()), programme.current()).top
    assert top == 9
    for one in made:
        claims = [claim.prize.price for claim in PrizeClaim.objects.filter(play=one)]
        points = one.prize.points if one.prize else 0
        assert sum(claims) + points == one.value <= top
