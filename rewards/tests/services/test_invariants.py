"""Each invariant of this floor turns red when its rows are tampered with."""

from __future__ import annotations

import pytest
from django.db import connection

from loyalty.services import invariants, proof
from loyalty.tests.proven import assert_proven
from rewards.services.invariants import ALL
from rewards.tests.shop import a_member, a_pool, a_reward, redeem

pytestmark = pytest.mark.django_db

TAMPERED = {
    "redemptions_spend_their_points": "UPDATE rewards_redemption SET points = points + 1",
    "redemptions_restore_what_they_say": "UPDATE rewards_redemption SET restored = 1",
    "stocks_are_their_redemptions": "UPDATE rewards_reward SET sold = sold - 1 WHERE sold > 0",
    "codes_are_handed_out_once": "UPDATE rewards_code SET status = 'used' WHERE status = 'claimed'",
    "redemption_states_are_their_history": "UPDATE rewards_redemption SET status = 'shipped' WHERE status = 'placed'",
}


@pytest.mark.parametrize(
    "invariant", [one for one in ALL if one.name in TAMPERED], ids=lambda invariant: invariant.name
)
def test_an_invariant_is_green_and_turns_red(invariant):
    assert invariant in invariants.ALL
    a_member()
    redeem(a_reward(stock=2))
    redeem(a_reward(cash=1, stock=2))
    video = a_reward(kind="partner")
    a_pool(video, "V-1")
    redeem(video)
    assert_proven()
    with connection.cursor() as cursor:
        cursor.execute(TAMPERED[invariant.name])
    assert proof.check(invariant).offenders
