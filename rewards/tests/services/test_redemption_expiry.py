"""Rewards that nobody used in time expire: in chunks, once, whoever dies on the way."""

from __future__ import annotations

import pytest

from common.models import Fact
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON, balance
from rewards.models import Code, Redemption
from rewards.services import redemption_expiry
from rewards.tests.shop import a_member, a_reward, redeem

pytestmark = pytest.mark.django_db(transaction=True)

LATER = NOON + 3 * DAY


def test_a_coupon_that_nobody_used_expires_and_its_points_stay_spent():
    a_member()
    short, long = redeem(a_reward(kind="coupon", validity_days=1)), redeem(a_reward(kind="coupon", validity_days=9))
    endless = redeem(a_reward(kind="coupon"))
    run = redemption_expiry.expire(LATER, LATER)
    assert run.counts == {"expired": 1}
    states = [Redemption.objects.get(pk=found.pk).status for found in (short, long, endless)]
    assert states == ["expired", "delivered", "delivered"]
    assert Code.objects.get(redemption=short).status == "expired"
    assert [fact.payload["redemption"] for fact in Fact.objects.filter(topic="redemption.expired")] == [str(short.uuid)]
    assert balance(at=LATER).available == 700
    assert_proven()


def test_it_expires_just_at_its_end():
    a_member()
    end = redeem(a_reward(kind="coupon", validity_days=1)).expires_at
    assert redemption_expiry.expire(end - DAY / 10**6, end).counts == {}
    assert redemption_expiry.expire(end, end).counts == {"expired": 1}


def test_a_job_that_dies_half_way_goes_on_and_expires_each_once(monkeypatch):
    a_member()
    coupon = a_reward(kind="coupon", validity_days=1)
    for _ in range(5):
        redeem(coupon)
    monkeypatch.setattr(redemption_expiry, "PER_CHUNK", 2)
    whole, calls = redemption_expiry._expire_span, []

    def dies_in_the_second(*span):
        calls.append(span)
        done = whole(*span)
        if len(calls) == 2:
            raise RuntimeError("killed")
        return done

    monkeypatch.setattr(redemption_expiry, "_expire_span", dies_in_the_second)
    with pytest.raises(RuntimeError):
        redemption_expiry.expire(LATER, LATER)
    assert Redemption.objects.filter(status="expired").count() == 2
    assert redemption_expiry.expire(LATER, LATER).counts == {"expired": 5}
    assert redemption_expiry.expire(LATER, LATER).counts == {"expired": 5}
    assert Fact.objects.filter(topic="redemption.expired").count() == 5
    assert_proven()


def test_a_chunk_takes_the_same_statements_for_one_and_for_fifty(django_assert_num_queries):
    a_member(points=10_000)
    coupon = a_reward(kind="coupon", validity_days=1)
    for _ in range(50):
        redeem(coupon)
    from django.db import transaction

    first, last = Redemption.objects.order_by("pk").first().pk, Redemption.objects.order_by("pk").last().pk
    for span in ((first, first), (first + 1, last)):
        with transaction.atomic(), django_assert_num_queries(5):
            redemption_expiry._expire_span(*span, LATER, LATER)
