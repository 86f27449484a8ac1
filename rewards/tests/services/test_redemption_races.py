"""Many buyers at once on a real PostgreSQL: nothing is sold twice, and who loses keeps the points."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from django.db import transaction

from common.services import outbox
from loyalty.services import lapsing
from loyalty.tests.proven import assert_proven
from loyalty.tests.services.test_races import PATIENCE, at_once, wait_until_somebody_waits
from loyalty.tests.stage import DAY, NOON, balance
from rewards.models import Code, Redemption, Reward
from rewards.services import code_pools, fulfilment, redemption_expiry, redemptions
from rewards.tests.shop import STAFF, a_member, a_pool, a_reward, redeem

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def names(answers):
    """What each buyer got: a redemption, or the code of the refusal."""
    return Counter("sold" if isinstance(answer, Redemption) else answer.code for answer in answers)


@pytest.mark.usefixtures("crowd")
def test_the_popular_reward_of_stock_5_sells_exactly_5_to_40_buyers_at_once():
    popular = a_reward("popular", stock=5)
    for number in range(40):
        a_member(f"m-{number}", points=100)
    answers = at_once(*[lambda n=n: redeem(popular, f"m-{n}") for n in range(40)])
    assert names(answers) == {"sold": 5, "out_of_stock": 35}
    assert {answer.status for answer in answers if not isinstance(answer, Redemption)} == {409}
    left = Counter(balance(f"m-{number}").available for number in range(40))
    assert left == {0: 5, 100: 35}
    popular.refresh_from_db()
    assert (popular.sold, popular.reserved, popular.left) == (5, 0, 0)
    assert_proven()


@pytest.mark.usefixtures("crowd")
def test_a_pool_of_5_codes_gives_each_code_once_to_40_buyers_at_once():
    video = a_reward("video", kind="partner")
    a_pool(video, *[f"V-{n}" for n in range(5)])
    for number in range(40):
        a_member(f"m-{number}", points=100)
    answers = at_once(*[lambda n=n: redeem(video, f"m-{n}") for n in range(40)])
    assert names(answers) == {"sold": 5, "out_of_stock": 35}
    held = list(Code.objects.exclude(redemption=None).values_list("code", "redemption"))
    assert len({code for code, _holder in held}) == len({holder for _code, holder in held}) == 5
    assert_proven()


def test_one_member_spends_one_balance_once_on_16_rewards_at_once():
    a_member(points=350)
    rewards = [a_reward() for _ in range(16)]
    answers = at_once(*[lambda r=r: redeem(r) for r in rewards])
    assert names(answers) == {"sold": 3, "insufficient_points": 13}
    assert balance().available == 50
    assert_proven()


def test_a_limit_of_one_holds_for_a_member_in_a_hurry():
    a_member()
    once = a_reward(limit_ever=1)
    answers = at_once(*[lambda: redeem(once)] * 8)
    assert names(answers) == {"sold": 1, "limit_reached": 7}


def test_the_same_key_sent_eight_times_at_once_is_one_redemption():
    a_member()
    mug = a_reward(stock=5)
    answers = at_once(*[lambda: redeem(mug, key="k-1")] * 8)
    assert {answer.pk for answer in answers} == {Redemption.objects.get().pk}
    assert (balance().available, Reward.objects.get().sold) == (900, 1)


def test_a_cancel_and_a_parcel_at_once_end_in_one_of_the_two():
    a_member()
    for number in range(5):
        redemption = redeem(a_reward(f"mug-{number}", stock=1))
        answers = at_once(
            lambda r=redemption: redemptions.cancel(r.uuid, actor=STAFF, at=NOON),
            lambda r=redemption: fulfilment.ship(r.uuid, actor=STAFF, at=NOON),
        )
        assert sum(isinstance(answer, Redemption) for answer in answers) == 1
    assert_proven()


def test_a_cancel_sent_eight_times_at_once_gives_back_once():
    a_member()
    redemption = redeem(a_reward(stock=1))
    at_once(*[lambda: redemptions.cancel(redemption.uuid, actor=STAFF, at=NOON)] * 8)
    assert (balance().available, Reward.objects.get().sold) == (1000, 0)
    assert_proven()


def test_a_use_and_a_return_at_once_end_in_one_of_the_two():
    a_member()
    for _round in range(5):
        redemption = redeem(a_reward(kind="coupon"))
        answers = at_once(
            lambda r=redemption: fulfilment.use(r.uuid, actor=STAFF, at=NOON),
            lambda r=redemption: redemptions.give_back(r.uuid, reason="r", actor=STAFF, at=NOON),
        )
        assert sum(isinstance(answer, Redemption) for answer in answers) == 1
    assert_proven()


def test_a_coupon_pays_for_one_of_two_orders_at_once():
    a_member()
    for _round in range(5):
        redemption = redeem(a_reward(kind="coupon"))
        answers = at_once(
            *[lambda r=redemption, n=n: fulfilment.use(r.uuid, order=f"o-{n}", actor=STAFF, at=NOON) for n in range(4)]
        )
        assert sum(isinstance(answer, Redemption) for answer in answers) == 1
    assert_proven()


def test_a_payment_and_a_lapse_at_once_leave_nothing_half_paid():
    a_member()
    for number in range(5):
        redemption = redeem(a_reward(f"r-{number}", cash=1, stock=1))
        late = redemption.hold.expires_at
        at_once(
            lambda r=redemption, t=late: redemptions.place(r.uuid, payment="p", actor=STAFF, at=t - DAY / 10**6),
            lambda t=late, n=number: lapsing.lapse(t + n * DAY / 10**6, t),
        )
        while outbox.dispatch(late, 100) or outbox.deliver(late, 100):
            pass
    assert set(Redemption.objects.values_list("status", flat=True)) <= {"placed", "cancelled"}
    assert_proven()


def test_buyers_and_returns_of_the_last_one_at_once_never_sell_more_than_there_is():
    last = a_reward(stock=3)
    for number in range(12):
        a_member(f"m-{number}", points=100)
    first = [redeem(last, f"m-{number}") for number in range(3)]
    at_once(
        *[lambda r=r: redemptions.cancel(r.uuid, actor=STAFF, at=NOON) for r in first],
        *[lambda n=n: redeem(last, f"m-{n}") for n in range(3, 12)],
    )
    last.refresh_from_db()
    assert last.sold <= 3
    assert_proven()


def test_a_use_and_the_nightly_expiry_at_once_count_one_of_the_two():
    a_member()
    redemption = redeem(a_reward(kind="coupon", validity_days=1))
    end = redemption.expires_at
    at_once(
        lambda: fulfilment.use(redemption.uuid, actor=STAFF, at=end - DAY / 10**6),
        lambda: redemption_expiry.expire(end, end),
    )
    redemption.refresh_from_db()
    assert redemption.events.count() == 3
    assert_proven()


def test_a_code_that_is_unassigned_and_used_at_once_is_one_of_the_two():
    a_member()
    video = a_reward(kind="partner")
    a_pool(video, *[f"V-{n}" for n in range(5)])
    for _round in range(5):
        redemption = redeem(video)
        code = Code.objects.select_related("redemption").get(redemption=redemption)
        at_once(
            lambda r=redemption: fulfilment.use(r.uuid, actor=STAFF, at=NOON),
            lambda c=code: code_pools.unassign(c, reason="r", actor=STAFF, at=NOON),
        )
        redemption.refresh_from_db()
        code.refresh_from_db()
        assert (redemption.status, code.status) in {("used", "used"), ("returned", "free")}
    assert_proven()


def test_the_last_code_of_a_pool_is_set_aside_for_one_who_pays_and_seen_by_nobody_before():
    """Points and money: two who hold the last code must not both be sent to pay for it."""
    video = a_reward(kind="partner", cash=500)
    a_pool(video, "V-1")
    for number in range(4):
        a_member(f"m-{number}")
    answers = at_once(*[lambda n=n: redeem(video, f"m-{n}") for n in range(4)])
    (held,) = [answer for answer in answers if isinstance(answer, Redemption)]
    assert {answer.code for answer in answers if answer is not held} == {"out_of_stock"}
    code = Code.objects.get()
    assert (code.status, code.claimed_at, code.redemption_id) == ("reserved", None, held.pk)
    assert_proven()
    paid = redemptions.place(held.uuid, payment="p", actor=STAFF, at=NOON)
    assert (paid.status, paid.code.code, Code.objects.get().status) == ("delivered", "V-1", "claimed")
    assert_proven()


def test_a_code_that_was_only_set_aside_is_in_the_pool_again_when_nobody_pays():
    video = a_reward(kind="partner", cash=500)
    a_pool(video, "V-1")
    a_member("m-1")
    a_member("m-2")
    held = redeem(video, "m-1")
    lapsing.lapse(held.hold.expires_at, held.hold.expires_at)
    while outbox.dispatch(held.hold.expires_at, 100) or outbox.deliver(held.hold.expires_at, 100):
        pass
    code = Code.objects.get()
    assert (code.status, code.redemption) == ("free", None)
    assert redeem(video, "m-2").status == "held"
    assert_proven()


def test_a_coupon_that_pays_for_another_order_meanwhile_stays_used_for_that_one():
    """The cancellation of its first order waits for who makes it good by hand and uses it anew."""
    a_member()
    coupon = redeem(a_reward(kind="coupon"))
    fulfilment.use(coupon.uuid, order="o-1", actor=STAFF, at=NOON)
    held = threading.Event()

    def by_hand():
        with transaction.atomic():
            fulfilment.reinstate(coupon.uuid, actor=STAFF, at=NOON)
            fulfilment.use(coupon.uuid, order="o-2", actor=STAFF, at=NOON)
            held.set()
            wait_until_somebody_waits()

    def by_cancellation():
        held.wait(PATIENCE)
        fulfilment.reinstate_for("o-1", actor=STAFF, at=NOON)

    assert at_once(by_hand, by_cancellation) == [None, None]
    coupon.refresh_from_db()
    assert (coupon.status, coupon.order_code, Code.objects.get().status) == ("used", "o-2", "used")
