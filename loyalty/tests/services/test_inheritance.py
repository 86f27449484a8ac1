"""Growth and tiers of members who are merged and part again, in every mode (domain.md E58)."""

from __future__ import annotations

import datetime as dt

import pytest

from common import clock
from loyalty.models import Ladder, Tier, TierChange
from loyalty.services import overrides, tiers, transfers
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON, STAFF, a_growth_policy, a_ladder, line, order, send, send_all, standing
from loyalty.tests.stage import event as an_event
from members.models import Member
from members.services import members

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def _policy():
    a_growth_policy()


def night(day: dt.date) -> dt.datetime:
    return clock.day_start(day)


def grow(whole: int, subject: str, code: str, at: dt.datetime = NOON) -> None:
    send("order.completed", subject, at, **order(code, line(1, whole * 100)))


def refund(subject: str, code: str, at: dt.datetime) -> None:
    lines = [{"line": "1", "quantity": 1}]
    send("order.refunded", subject, at, order=code, refund="r", reason="no_reason", lines=lines)


def review(day: dt.date) -> None:
    tiers.review(night(day), night(day) + dt.timedelta(minutes=30))


def member(name: str) -> Member:
    return Member.objects.get(external_id=name)


def merge(source: str, target: str, at: dt.datetime) -> None:
    members.merge(source, target, at)
    transfers.merge(member(source), member(target), at)


def unmerge(source: str, target: str, at: dt.datetime) -> None:
    members.unmerge(source, at)
    transfers.unmerge(member(source), member(target), at)


def test_in_a_window_merged_growth_leaves_on_its_own_day():
    a_ladder(decay=Ladder.Decay.WINDOW)
    grow(1_000, "alice", "a")
    grow(300, "bob", "b", NOON + 60 * DAY)
    merge("alice", "bob", NOON + 90 * DAY)
    assert standing("bob").whole_growth == 1_300
    review(dt.date(2027, 4, 1))
    assert standing("bob").whole_growth == 300
    review(dt.date(2027, 6, 1))
    assert standing("bob").growth == 0
    assert_proven()


def test_in_a_window_a_refund_after_a_merge_gives_nothing_back_later():
    a_ladder(decay=Ladder.Decay.WINDOW)
    grow(500, "alice", "a")
    grow(900, "bob", "b", NOON + 60 * DAY)
    merge("alice", "bob", NOON + 70 * DAY)
    refund("bob", "a", NOON + 80 * DAY)
    assert standing("bob").whole_growth == 900
    review(dt.date(2027, 4, 1))
    assert standing("bob").whole_growth == 900


def test_in_a_window_an_unmerge_gives_each_his_own_days():
    a_ladder(decay=Ladder.Decay.WINDOW)
    grow(500, "alice", "a")
    grow(900, "bob", "b", NOON + 60 * DAY)
    merge("alice", "bob", NOON + 70 * DAY)
    grow(50, "alice", "c", NOON + 80 * DAY)
    unmerge("alice", "bob", NOON + 90 * DAY)
    assert (standing("alice").whole_growth, standing("bob").whole_growth) == (500, 950)
    review(dt.date(2027, 4, 1))
    assert (standing("alice").whole_growth, standing("bob").whole_growth) == (0, 950)
    review(dt.date(2027, 7, 1))
    assert (standing("alice").growth, standing("bob").growth) == (0, 0)


def test_growth_that_halves_is_faded_before_it_is_merged():
    a_ladder(decay=Ladder.Decay.HALF_LIFE, half_life_days=10)
    start = night(dt.date(2026, 3, 1))
    grow(1_000, "alice", "a", start)
    grow(100, "bob", "b", start + 20 * DAY)
    merge("alice", "bob", start + 20 * DAY)
    assert standing("bob").whole_growth == 350
    unmerge("alice", "bob", start + 30 * DAY)
    assert (standing("alice").whole_growth, standing("bob").whole_growth) == (125, 50)
    assert_proven()


def test_what_was_due_is_done_before_a_merge_though_the_job_is_late():
    a_ladder()
    grow(2_500, "alice", "a")
    grow(100, "bob", "b", NOON + 30 * DAY)
    merge("alice", "bob", NOON + 366 * DAY)
    assert standing("bob").whole_growth == 1_600
    assert standing("bob").tier.code == "bronze"
    assert_proven()


def test_by_rank_a_merge_lifts_nobody_to_the_top():
    grow(100, "alice", "a")
    grow(100, "bob", "b")
    a_ladder(line=Ladder.Line.TOP, sizes={"bronze": 30, "silver": 20, "gold": 10, "diamond": 1})
    merge("alice", "bob", NOON + DAY)
    assert standing("bob").tier.code == "registered"
    unmerge("alice", "bob", NOON + 2 * DAY)
    assert standing("alice").tier.code == "registered"


def test_a_tier_set_by_hand_is_brought_with_its_end():
    a_ladder()
    grow(100, "alice", "a")
    grow(100, "bob", "b")
    diamond, alice = Tier.objects.get(code="diamond"), Member.objects.get(external_id="alice")
    overrides.set_tier(alice, diamond, dt.date(2026, 3, 10), note="a guest", actor=STAFF, at=NOON)
    merge("alice", "bob", NOON + DAY)
    assert standing("bob").tier.code == "diamond"
    review(dt.date(2026, 3, 11))
    assert standing("bob").tier.code == "bronze"
    assert_proven()


def test_an_upgrade_stays_provisional_through_a_merge():
    a_ladder()
    grow(100, "bob", "b", NOON - 20 * DAY)
    grow(12_000, "alice", "a")
    merge("alice", "bob", NOON + DAY)
    assert standing("bob").tier.code == "gold"
    refund("bob", "a", NOON + 3 * DAY)
    assert standing("bob").tier.code == "bronze"
    assert TierChange.objects.latest("id").reason == TierChange.Reason.REFUND


def test_a_brought_tier_keeps_its_review():
    a_ladder(never_downgrade=True)
    grow(2_000, "alice", "a")
    review(dt.date(2027, 3, 1))
    grow(100, "bob", "b", night(dt.date(2027, 3, 2)))
    merge("alice", "bob", night(dt.date(2028, 2, 1)))
    assert (standing("bob").tier.code, standing("bob").tier_until) == ("silver", night(dt.date(2028, 3, 1)))


def test_only_the_last_merge_is_undone():
    a_ladder()
    grow(500, "alice", "a")
    grow(100, "bob", "b")
    merge("alice", "bob", NOON + DAY)
    refund("bob", "a", NOON + 8 * DAY)
    refund("bob", "b", NOON + 8 * DAY)
    unmerge("alice", "bob", NOON + 9 * DAY)
    grow(700, "charlie", "c", NOON + 9 * DAY)
    merge("alice", "charlie", NOON + 10 * DAY)
    unmerge("alice", "charlie", NOON + 11 * DAY)
    assert (standing("alice").whole_growth, standing("charlie").whole_growth) == (0, 700)


def test_a_return_is_not_taken_from_the_other_ones_growth_when_they_part():
    a_ladder()
    grow(1_000, "alice", "a")
    grow(700, "bob", "b")
    merge("alice", "bob", NOON + DAY)
    refund("bob", "a", NOON + 9 * DAY)
    unmerge("alice", "bob", NOON + 10 * DAY)
    assert (standing("alice").whole_growth, standing("bob").whole_growth) == (0, 700)


@pytest.mark.parametrize("decay", Ladder.Decay.values)
def test_who_parts_from_a_chain_of_merges_takes_her_growth_along(decay):
    a_ladder(decay=decay)
    grow(1_000, "alice", "a")
    grow(700, "bob", "b")
    grow(300, "charlie", "c")
    merge("alice", "bob", NOON + HOUR)
    grow(50, "alice", "a-2", NOON + HOUR)
    merge("bob", "charlie", NOON + 2 * HOUR)
    grow(30, "alice", "a-3", NOON + 2 * HOUR)
    unmerge("alice", "bob", NOON + 3 * HOUR)
    unmerge("bob", "charlie", NOON + 3 * HOUR)
    assert [standing(name).whole_growth for name in ("alice", "bob", "charlie")] == [1_000, 750, 330]
    assert_proven()


def test_merges_carried_out_in_another_order_lose_no_growth():
    a_ladder()
    grow(1_000, "alice", "a")
    grow(700, "bob", "b")
    grow(300, "charlie", "c")
    members.merge("alice", "bob", NOON)
    members.merge("bob", "charlie", NOON)
    transfers.merge(member("bob"), member("charlie"), NOON)
    transfers.merge(member("alice"), member("bob"), NOON)
    assert standing("charlie").whole_growth == 2_000
    unmerge("alice", "bob", NOON)
    unmerge("bob", "charlie", NOON)
    assert [standing(name).whole_growth for name in ("alice", "bob", "charlie")] == [1_000, 700, 300]
    assert_proven()


def test_two_names_of_one_member_in_one_batch_grow_one_growth():
    a_ladder()
    grow(100, "alice", "a")
    grow(100, "bob", "b")
    merge("alice", "bob", NOON + DAY)
    later = NOON + 2 * DAY
    answers = send_all(
        [an_event("order.completed", who, later, **order(f"o-{who}", line(1, 1_000_00))) for who in ("bob", "alice")],
        later,
    )
    assert [answer["status"] for answer in answers] == ["applied", "applied"]
    assert (standing("bob").whole_growth, standing("bob").tier.code) == (2_200, "silver")
    assert_proven()
