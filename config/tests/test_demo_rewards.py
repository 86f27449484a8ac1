"""The demo's rewards: something on every page, and everything proven."""

import datetime as dt

import pytest

from config.demo import catalogue, rewards, staff
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import NOON
from members.models import Plan
from rewards.models import Redemption, Reward
from rewards.services.invariants import ALL
from rewards.tests import shop

pytestmark = pytest.mark.django_db


def test_the_demo_has_every_kind_of_reward_and_members_take_them_once():
    catalogue.open_stores()
    staff.hire()
    Plan.objects.create(code="plus", name="PLUS")
    for rank, code in enumerate(("registered", "bronze", "silver", "gold")):
        shop.a_tier(code, rank)
    names = [f"m-{number}" for number in range(40)]
    for name in names:
        shop.a_member(name, points=4000, tier=shop.a_tier("gold", 3))
    for _twice in range(2):
        rewards.set_up(staff.find("olivia"), staff.find("felix"), NOON)
        rewards.use(names, NOON + dt.timedelta(minutes=1))
    assert set(Reward.objects.values_list("kind", flat=True)) == set(Reward.Kind.values)
    assert set(Reward.objects.values_list("status", flat=True)) == {"active"}
    taken = Redemption.objects.count()
    assert 40 <= taken <= 80
    assert {"held", "delivered", "used", "shipped"} <= set(Redemption.objects.values_list("status", flat=True))
    assert_proven(ALL)
