"""Tiers set by hand, with an end."""

from __future__ import annotations

import datetime as dt

import pytest

from common import clock
from common.models import AuditEntry, Fact
from common.problems import InvalidInput
from loyalty.models import Ladder, Tier, TierChange
from loyalty.services import overrides, tiers
from loyalty.services.desk import ClosedMember
from loyalty.services.overrides import NoLadder, NotSetByHand
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON, STAFF, a_growth_policy, a_ladder, line, order, send, standing
from members.models import Member
from members.services import members

pytestmark = pytest.mark.django_db

UNTIL = dt.date(2026, 5, 31)


@pytest.fixture
def alice() -> Member:
    a_ladder()
    a_growth_policy()
    send("order.completed", **order("o-1", line(1, 2_500_00)))
    return Member.objects.get(external_id="alice")


def set_tier(member: Member, code: str = "gold", until: dt.date = UNTIL, note: str = "A complaint", at=NOON):
    return overrides.set_tier(member, Tier.objects.get(code=code), until, note=note, actor=STAFF, at=at)


def review(day: dt.date) -> None:
    at = dt.datetime.combine(day, dt.time(16), tzinfo=dt.UTC)
    tiers.review(at, at)


def test_a_tier_set_by_hand_lasts_to_the_end_of_its_last_day(alice):
    set_tier(alice)
    review(dt.date(2026, 5, 30))
    assert standing().tier.code == "gold"
    review(UNTIL)
    stands = standing()
    assert (stands.tier.code, stands.whole_growth, stands.override_until) == ("silver", 2_500, None)
    assert list(TierChange.objects.order_by("id").values_list("reason", flat=True)) == [
        "joined",
        "growth",
        "override",
        "override_end",
    ]
    assert_proven()


def test_growth_goes_on_but_changes_no_tier_meanwhile(alice):
    set_tier(alice, "silver")
    send("order.completed", at=NOON + DAY, **order("o-2", line(1, 40_000_00)))
    assert standing().tier.code == "silver"
    review(UNTIL)
    assert standing().tier.code == "diamond"


def test_nothing_is_deducted_while_a_tier_is_set_by_hand(alice):
    set_tier(alice, until=dt.date(2027, 6, 30))
    review(dt.date(2027, 3, 1))
    assert standing().whole_growth == 2_500


def test_lifting_lets_growth_decide_at_once(alice):
    set_tier(alice)
    change = overrides.lift(alice, note="Settled", actor=STAFF, at=NOON + DAY)
    assert (change.before.code, change.after.code) == ("gold", "silver")
    assert standing().tier_until == dt.datetime(2027, 3, 1, 16, tzinfo=dt.UTC)
    with pytest.raises(NotSetByHand):
        overrides.lift(alice, note="Again", actor=STAFF, at=NOON + DAY)


def test_it_is_audited_with_its_reason_and_published(alice):
    set_tier(alice)
    assert AuditEntry.objects.get(action="loyalty.overrides.set_tier").reason == "A complaint"
    assert Fact.objects.filter(topic="tier.changed").latest("id").payload["after"] == "gold"


@pytest.mark.parametrize(("until", "note"), [(dt.date(2026, 2, 28), "late"), (UNTIL, " ")])
def test_a_bad_decision_changes_nothing(alice, until, note):
    with pytest.raises(InvalidInput):
        set_tier(alice, until=until, note=note)
    assert standing().tier.code == "silver"


def test_a_tier_that_is_not_on_the_ladder_is_refused(alice):
    Tier.objects.create(code="platinum", name="Platinum", rank=9)
    with pytest.raises(InvalidInput, match="not on the ladder"):
        set_tier(alice, "platinum")


def test_who_has_left_gets_no_tier(alice):
    members.close("alice", NOON)
    with pytest.raises(ClosedMember):
        set_tier(alice)


def test_without_a_ladder_there_is_nothing_to_set():
    send("member.logged_in")
    tier = Tier.objects.create(code="gold", name="Gold", rank=1)
    with pytest.raises(NoLadder):
        overrides.set_tier(Member.objects.get(), tier, UNTIL, note="why", actor=STAFF, at=NOON)


def test_what_was_due_is_done_first_though_the_job_is_late(alice):
    late = NOON + 400 * DAY
    set_tier(alice, until=clock.local_date(late), at=late)
    assert standing().whole_growth == 1_500
    assert_proven()


def test_lifting_on_a_ladder_by_rank_keeps_the_place_until_the_ranking(alice):
    sizes = {"bronze": 30, "silver": 20, "gold": 10, "diamond": 1}
    a_ladder(line=Ladder.Line.TOP, effective_at=NOON + DAY, sizes=sizes)
    set_tier(alice, "bronze", at=NOON + 2 * DAY)
    overrides.lift(alice, note="Enough", actor=STAFF, at=NOON + 2 * DAY)
    assert standing().tier.code == "bronze"
