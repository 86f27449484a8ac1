"""Whatever members, the shop, the staff and the night do in whatever order: points, stock and codes add up."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections import Counter

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from common.problems import Problem
from common.services import outbox
from loyalty.services import lapsing
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import NOON, balance
from members.models import Member
from rewards.models import Code, Redemption, Reward
from rewards.selectors.catalogue import GONE
from rewards.services import code_pools, fulfilment, redemption_expiry, redemptions
from rewards.services.invariants.redemptions import (
    CODES_ARE_HANDED_OUT_ONCE,
    POINTS_ARE_SPENT,
    POINTS_COME_BACK,
    STATES_ARE_THEIR_HISTORY,
    STOCKS_ARE_THEIR_REDEMPTIONS,
)
from rewards.tests.shop import STAFF, a_member, a_pool, a_reward, hold, redeem

NAMES = ("alice", "bob")
STOCK, POOL, POINTS = 3, 4, 600
REWARDS = ("mug", "dear", "coupon", "video")
INVARIANTS = (
    *(POINTS_ARE_SPENT, POINTS_COME_BACK, STATES_ARE_THEIR_HISTORY),
    *(CODES_ARE_HANDED_OUT_ONCE, STOCKS_ARE_THEIR_REDEMPTIONS),
)
VERBS = ("place", "cancel", "call_off", "give_back", "fulfil", "ship", "deliver", "use", "reinstate", "unassign")


class RedemptionMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic._from_testcase = True
        self.atomic.__enter__()
        self.now = NOON
        for name in NAMES:
            a_member(name, points=POINTS)
        a_reward("mug", stock=STOCK)
        a_reward("dear", stock=STOCK, cash=100)
        a_reward("coupon", kind="coupon", validity_days=1)
        a_pool(a_reward("video", kind="partner", validity_days=2), *[f"V-{n}" for n in range(POOL)])

    def teardown(self):
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @rule(name=st.sampled_from(NAMES), code=st.sampled_from(REWARDS), verb=st.sampled_from((redeem, hold)))
    def take(self, name, code, verb):
        self._try(lambda: verb(Reward.objects.get(code=code), name, self.now))

    @rule(verb=st.sampled_from(VERBS), which=st.integers(0, 20))
    def step(self, verb, which):
        made = list(Redemption.objects.select_related("member").order_by("pk"))
        if made:
            self._try(lambda: self._do(verb, made[which % len(made)]))

    def _do(self, verb, redemption):
        told = {"actor": STAFF, "at": self.now}
        if verb == "place":
            redemptions.place(redemption.uuid, payment="paid", **told)
        elif verb == "cancel":
            redemptions.cancel(redemption.uuid, **told)
        elif verb == "call_off":
            redemptions.cancel(redemption.uuid, by=Member.objects.get(pk=redemption.member_id), **told)
        elif verb == "give_back":
            redemptions.give_back(redemption.uuid, reason="r", **told)
        elif verb == "unassign":
            code_pools.unassign(Code.objects.get(redemption=redemption), reason="r", **told)
        else:
            getattr(fulfilment, verb)(redemption.uuid, **told)

    def _try(self, deed):
        """Refusals are answers: they must change nothing, which the invariants see."""
        with contextlib.suppress(Problem, Code.DoesNotExist):
            deed()

    @rule(minutes=st.sampled_from((10, 40, 24 * 60)))
    def time_passes(self, minutes):
        self.now += dt.timedelta(minutes=minutes)

    @rule()
    def the_night_works(self):
        lapsing.lapse(self.now, self.now)
        while outbox.dispatch(self.now, 100) or outbox.deliver(self.now, 100):
            pass
        redemption_expiry.expire(self.now, self.now)

    @invariant()
    def points_add_up(self):
        for name in NAMES:
            kept = Redemption.objects.filter(member__external_id=name).exclude(status__in=GONE)
            lapsed = kept.filter(status="held", hold__expires_at__lte=self.now)
            spent = sum(kept.exclude(pk__in=lapsed).values_list("points", flat=True))
            now = balance(name, self.now)
            assert now.available == POINTS - spent, name
            assert now.held == sum(
                kept.filter(status="held", hold__expires_at__gt=self.now).values_list("points", flat=True)
            )

    @invariant()
    def nothing_is_sold_twice(self):
        for reward in Reward.objects.exclude(stock=None):
            assert reward.sold + reward.reserved <= STOCK
        holders = Counter(Code.objects.exclude(redemption=None).values_list("redemption", flat=True))
        assert set(holders.values()) <= {1}
        assert Code.objects.filter(reward__code="video").count() == POOL

    @invariant()
    def it_is_proven(self):
        assert_proven(INVARIANTS)


@pytest.mark.django_db
class TestRedemptions(RedemptionMachine.TestCase):
    settings = settings(
        max_examples=15,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
    )
