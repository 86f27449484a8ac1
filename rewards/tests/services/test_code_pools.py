"""Partners' codes: filled, put back, settled."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from common.models import AuditEntry
from common.problems import InvalidInput
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON, balance
from rewards.models import Code, Settlement
from rewards.selectors import settlements as owed
from rewards.services import code_pools, codes, fulfilment, redemptions, settlements
from rewards.services.code_pools import NewCode, NotUnassignable
from rewards.services.refusals import RewardUsed
from rewards.services.settlements import MonthNotOver, NothingToSettle
from rewards.tests.shop import STAFF, a_member, a_partner, a_pool, a_reward, redeem

pytestmark = pytest.mark.django_db

MARCH = dt.date(2026, 3, 1)


def unassign(code: Code, reason: str = "The partner blocked it") -> Code:
    return code_pools.unassign(code, reason=reason, actor=STAFF, at=NOON)


def test_codes_of_our_own_are_read_aloud_without_doubt_and_are_never_the_same():
    spelt = {codes.spell() for _ in range(1000)}
    assert len(spelt) == 1000
    assert set("".join(spelt)) <= set(codes.ALPHABET) | {"-"}
    assert codes.spell(lambda letters: letters[0]) == "2222-2222-2222-2222"


def test_a_code_is_added_once():
    video = a_reward(kind="partner", unit_cost=800)
    code_pools.add([NewCode(video, "A"), NewCode(video, "B", price=700)], NOON)
    assert dict(Code.objects.values_list("code", "price")) == {"A": 800, "B": 700}
    with pytest.raises(IntegrityError), transaction.atomic():
        code_pools.add([NewCode(video, "A")], NOON)


def test_an_unassigned_code_goes_back_to_the_pool_and_its_redemption_is_returned():
    a_member()
    a_member("bob")
    video = a_reward(kind="partner")
    a_pool(video, "V-1")
    redemption = redeem(video)
    unassign(redemption.code)
    redemption.refresh_from_db()
    assert (redemption.status, balance().available) == ("returned", 1000)
    entry = AuditEntry.objects.get(action="rewards.code_pools.unassign")
    assert (entry.reason, entry.data["redemption"]) == ("The partner blocked it", str(redemption.uuid))
    assert redeem(video, "bob").code.code == "V-1"
    assert_proven()


def test_a_void_code_goes_back_by_hand_only():
    a_member()
    video = a_reward(kind="partner")
    (code,) = a_pool(video, "V-1")
    redemption = redeem(video)
    redemptions.give_back(redemption.uuid, reason="r", actor=STAFF, at=NOON)
    code.refresh_from_db()
    assert code.status == "void"
    assert unassign(code).status == "free"


def test_a_used_a_free_a_settled_and_one_of_our_own_codes_are_not_unassigned():
    a_member()
    video = a_reward(kind="partner")
    free, _other = a_pool(video, "V-2", "V-1", expires_at=None)
    used = redeem(video)
    fulfilment.use(used.uuid, actor=STAFF, at=NOON)
    with pytest.raises(RewardUsed):
        unassign(used.code)
    free = Code.objects.get(status="free")
    with pytest.raises(NotUnassignable):
        unassign(free)
    with pytest.raises(NotUnassignable):
        unassign(redeem(a_reward(kind="coupon")).code)
    claimed = redeem(video)
    settlements.settle(a_partner(), MARCH, actor=STAFF, at=NOON + 40 * DAY)
    with pytest.raises(NotUnassignable), transaction.atomic():
        unassign(Code.objects.get(pk=claimed.code.pk))
    claimed.refresh_from_db()
    assert claimed.status == "delivered"


def test_unassigning_needs_a_reason():
    a_member()
    video = a_reward(kind="partner")
    a_pool(video, "V-1")
    with pytest.raises(InvalidInput):
        unassign(redeem(video).code, "  ")


def test_a_partner_is_owed_for_what_was_claimed_by_month_and_paid_once():
    a_member()
    video = a_reward(kind="partner", unit_cost=800)
    a_pool(video, *[f"V-{n}" for n in range(5)])
    redeem(video)
    back = redeem(video)
    redeem(video, at=NOON + 31 * DAY)
    redemptions.give_back(back.uuid, reason="r", actor=STAFF, at=NOON)
    found = [(row.partner.code, row.month, row.codes, row.amount) for row in owed.owed()]
    assert found == [("video", MARCH, 1, 800), ("video", dt.date(2026, 4, 1), 1, 800)]
    with pytest.raises(MonthNotOver):
        settlements.settle(a_partner(), MARCH, actor=STAFF, at=NOON + 30 * DAY)
    settlement = settlements.settle(a_partner(), MARCH, actor=STAFF, at=NOON + 40 * DAY)
    assert (settlement.codes, settlement.amount) == (1, 800)
    with pytest.raises(NothingToSettle):
        settlements.settle(a_partner(), MARCH, actor=STAFF, at=NOON + 40 * DAY)
    assert Settlement.objects.count() == 1
    assert [row.month for row in owed.owed()] == [dt.date(2026, 4, 1)]
