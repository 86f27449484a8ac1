"""The catalogue for one member: prices, reasons, and a fixed number of queries."""

from __future__ import annotations

import datetime as dt

import pytest

from loyalty.models import Segment
from loyalty.selectors import members as selectors
from loyalty.tests.stage import DAY, NOON, set_programme
from members.models import Member, Plan, Subscription
from members.services import members
from rewards.models import Reward, RewardPrice
from rewards.selectors import catalogue
from rewards.tests.shop import a_member, a_pool, a_reward, a_tier, redeem

pytestmark = pytest.mark.django_db


def offer(reward: Reward, name: str = "alice", at: dt.datetime = NOON) -> catalogue.Offer:
    member = selectors.with_wallets().get(external_id=name)
    return next(found for found in catalogue.offers(member, at) if found.reward == reward)


def reasons(reward: Reward, name: str = "alice", at: dt.datetime = NOON) -> list[dict]:
    found = offer(reward, name, at)
    assert all(reason.pop("detail") for reason in found.reasons)
    assert found.available is (found.reasons == [])
    return found.reasons


def test_a_reward_that_is_within_reach_has_no_reason_against_it():
    a_member()
    assert reasons(a_reward()) == []


def test_missing_points_are_counted():
    a_member(points=30)
    assert reasons(a_reward(points=150)) == [{"code": "insufficient_points", "missing": 120}]


def test_points_that_expired_do_not_count_even_if_the_job_is_late():
    a_member(points=100)
    assert reasons(a_reward(), at=NOON + 900 * DAY) == [{"code": "insufficient_points", "missing": 100}]


def test_a_coupon_is_for_bronze_and_above_unless_it_says_otherwise():
    """domain.md S2-49: against malicious hoarding."""
    registered, bronze, silver = a_tier("registered", 0), a_tier("bronze", 1), a_tier("silver", 2)
    a_member("alice", tier=registered)
    a_member("bob", tier=bronze)
    a_member("charlie")  # no tier at all
    coupon, gift = a_reward(kind="coupon"), a_reward()
    for_all = a_reward(kind="coupon", least_tier=registered)
    for_silver = a_reward(kind="coupon", least_tier=silver)
    too_low = [{"code": "tier_too_low", "needs": "bronze"}]
    assert (reasons(coupon), reasons(coupon, "bob"), reasons(coupon, "charlie")) == (too_low, [], too_low)
    assert reasons(gift) == reasons(for_all) == reasons(for_all, "charlie") == []
    assert reasons(for_silver, "bob") == [{"code": "tier_too_low", "needs": "silver"}]


def test_a_reward_for_a_segment_is_for_its_members():
    alice = a_member()
    a_member("bob")
    mums = Segment.objects.create(code="mums", name="Mums")
    mums.members.add(alice)
    reward = a_reward(segment=mums)
    assert (reasons(reward), reasons(reward, "bob")) == ([], [{"code": "not_in_segment"}])


def test_the_availability_window_is_apart_from_the_visibility_window():
    a_member()
    reward = a_reward(
        visible_from=NOON, visible_until=NOON + 9 * DAY, available_from=NOON + DAY, available_until=NOON + 2 * DAY
    )
    assert reasons(reward) == [{"code": "not_yet_available", "from": "2026-03-02T04:00:00Z"}]
    assert reasons(reward, at=NOON + DAY) == []
    assert reasons(reward, at=NOON + 2 * DAY) == [{"code": "no_longer_available"}]
    alice = Member.objects.get()
    assert catalogue.offers(alice, NOON - DAY / 10**6) == catalogue.offers(alice, NOON + 9 * DAY) == []


def test_what_is_sold_or_reserved_is_out_of_stock():
    a_member()
    assert reasons(a_reward(stock=0)) == [{"code": "out_of_stock"}]
    assert reasons(a_reward(stock=2, sold=1, reserved=1)) == [{"code": "out_of_stock"}]
    assert reasons(a_reward(stock=2, sold=1)) == []


def test_an_empty_pool_is_out_of_stock():
    a_member()
    video = a_reward(kind="partner")
    a_pool(video, "OVER", expires_at=NOON)
    assert reasons(video) == [{"code": "out_of_stock"}]
    a_pool(video, "GOOD", expires_at=NOON + DAY)
    assert reasons(video) == []


def test_limits_count_by_the_day_the_month_and_for_ever_and_leave_out_what_came_back():
    from rewards.services import redemptions
    from rewards.tests.shop import STAFF

    a_member()
    reward = a_reward(limit_day=1, limit_month=2, limit_ever=3)
    first = redeem(reward)
    day, month = ({"code": "limit_reached", "period": p, "limit": n} for p, n in (("day", 1), ("month", 2)))
    assert reasons(reward) == [day]
    redeem(reward, at=NOON + DAY)
    assert reasons(reward, at=NOON + DAY) == [day, month]
    assert reasons(reward, at=NOON + 2 * DAY) == [month]
    redeem(reward, at=NOON + 31 * DAY)
    ever = {"code": "limit_reached", "period": "ever", "limit": 3}
    assert reasons(reward, at=NOON + 40 * DAY) == [ever]
    redemptions.cancel(first.uuid, actor=STAFF, at=NOON + 40 * DAY)
    assert reasons(reward, at=NOON + 40 * DAY) == []


def test_each_reward_is_judged_by_its_own_limits_beside_others():
    a_member()
    periods = ("day", "month", "ever")
    limited = {period: a_reward(period, **{f"limit_{period}": 1}) for period in periods}
    for reward in limited.values():
        redeem(reward)
        redeem(a_reward(f"free-{reward.code}"))

    def reached(at):
        return [period for period, reward in limited.items() if reasons(reward, at=at)]

    assert reached(NOON) == ["day", "month", "ever"]
    assert reached(NOON + DAY) == ["month", "ever"]
    assert reached(NOON + 31 * DAY) == ["ever"]


def test_every_reason_is_said_the_gravest_first():
    bronze = a_tier("bronze", 1)
    a_member(points=1)
    reward = a_reward(stock=0, least_tier=bronze, available_from=NOON + DAY, segment=Segment.objects.create(code="s"))
    members.close("alice", NOON)
    assert [reason["code"] for reason in reasons(reward)] == [
        "member_closed",
        "not_yet_available",
        "tier_too_low",
        "not_in_segment",
        "out_of_stock",
        "insufficient_points",
    ]


def test_the_lowest_price_the_member_has_a_right_to_wins():
    silver, gold = a_tier("silver", 2), a_tier("gold", 3)
    alice = a_member(tier=gold)
    a_member("bob", tier=silver)
    mums = Segment.objects.create(code="mums", name="Mums")
    plus = Plan.objects.create(code="plus", name="PLUS")
    reward = a_reward(points=100)
    for right, points in (({"tier": silver}, 90), ({"tier": gold}, 85), ({"segment": mums}, 70), ({"plan": plus}, 80)):
        RewardPrice.objects.create(reward=reward, points=points, **right)
    assert offer(reward).price == catalogue.Price(85, 0, "tier:gold")
    assert offer(reward, "bob").price == catalogue.Price(90, 0, "tier:silver")
    Subscription.objects.create(member=alice, plan=plus, starts_at=NOON, ends_at=NOON + DAY)
    assert offer(reward).price == catalogue.Price(80, 0, "plan:plus")
    assert offer(reward, at=NOON + DAY).price.basis == "tier:gold"
    mums.members.add(alice)
    assert offer(reward).price == catalogue.Price(70, 0, "segment:mums")


def test_points_and_cash_are_compared_by_what_points_are_worth():
    """3 points are worth 1 fen: 300 points beat 30 points and 1.00."""
    set_programme(point_value_points=3, point_value_money=1)
    gold = a_tier("gold", 3)
    a_member(tier=gold)
    reward = a_reward(points=300)
    price = RewardPrice.objects.create(reward=reward, tier=gold, points=30, cash=91)
    assert offer(reward).price.basis == "list"
    RewardPrice.objects.filter(pk=price.pk).update(cash=89)
    assert offer(reward).price == catalogue.Price(30, 89, "tier:gold")


def test_the_catalogue_begins_with_the_lowest_list_price():
    alice = a_member()
    dear, cheap = a_reward(points=900), a_reward(points=10)
    assert [found.reward for found in catalogue.offers(alice, NOON)] == [cheap, dear]


@pytest.mark.parametrize("rewards", [2, 500])
def test_a_catalogue_of_any_size_takes_the_same_queries(rewards, django_assert_num_queries):
    """Rewards and prices, balance, segments, plans, the coupon tier, limits and pools: eight."""
    a_tier("bronze", 1)
    tier, segment, plan = a_tier("gold", 3), Segment.objects.create(code="s"), Plan.objects.create(code="plus")
    a_member(tier=tier)
    partner = a_reward("pool", kind="partner", points=7).partner
    kinds = [
        {"kind": "coupon", "codes": "own", "limit_day": 1},
        {"kind": "partner", "codes": "partner", "partner": partner},
        {"kind": "gift", "stock": 5, "segment": segment},
    ]
    made = Reward.objects.bulk_create(
        [
            Reward(code=f"r-{n}", name="R", points=n + 1, status="active", **kinds[n % 3])
            for n in range(max(rewards - 1, 3))
        ]
    )
    RewardPrice.objects.bulk_create([RewardPrice(reward=r, points=1, tier=tier) for r in made])
    RewardPrice.objects.bulk_create([RewardPrice(reward=r, points=1, plan=plan) for r in made])
    member = selectors.with_wallets().get(external_id="alice")
    with django_assert_num_queries(8):
        assert len(catalogue.offers(member, NOON)) == len(made) + 1
