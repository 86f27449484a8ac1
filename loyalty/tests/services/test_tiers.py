"""What time does to tiers, in every mode (domain.md F3–F5; E44–E51)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection

from common import clock
from common.models import Fact, JobRun
from loyalty.models import GrowthEntry, Ladder, Programme, Standing, Tier, TierChange
from loyalty.services import overrides, tiers, transfers
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import (
    DAY,
    JD,
    NOON,
    STAFF,
    a_growth_policy,
    a_ladder,
    event,
    line,
    order,
    send,
    send_all,
    set_programme,
    standing,
)
from members.models import Member
from members.services import members

pytestmark = pytest.mark.django_db

# NOON lies on the local day 2026-03-01.
MARCH_1 = dt.date(2026, 3, 1)


def night(day: dt.date) -> dt.datetime:
    """The start of a local day, when the nightly job runs."""
    return clock.day_start(day)


def grow(whole: int, subject: str = "alice", at: dt.datetime = NOON) -> None:
    """So much growth by an order of that day."""
    send("order.completed", subject, at, **order(f"{subject}-{at:%Y%m%d%H%M}-{whole}", line(1, whole * 100)))


def review(day: dt.date) -> JobRun:
    return tiers.review(night(day), night(day) + dt.timedelta(minutes=30))


def tier(subject: str = "alice") -> str:
    return standing(subject).tier.code


# Fixed deduction ------------------------------------------------------------------------------------------------


def test_jds_own_example_of_a_gold_member():
    a_ladder()
    a_growth_policy()
    grow(20_000)
    review(dt.date(2027, 2, 28))
    assert standing().whole_growth == 20_000
    review(dt.date(2027, 3, 1))
    stands = standing()
    assert (stands.tier.code, stands.whole_growth) == ("gold", 16_000)
    assert stands.tier_until == night(dt.date(2028, 3, 1))
    assert_proven()


def test_a_dormant_diamond_takes_eleven_years_to_bronze():
    a_ladder()
    a_growth_policy()
    grow(30_000)
    seen = []
    for years in range(1, 12):
        review(dt.date(2026 + years, 3, 1))
        seen.append((standing().whole_growth, tier()))
    assert seen == [
        (20_000, "gold"),
        (16_000, "gold"),
        (12_000, "gold"),
        (8_000, "silver"),
        (7_000, "silver"),
        (6_000, "silver"),
        (5_000, "silver"),
        (4_000, "silver"),
        (3_000, "silver"),
        (2_000, "silver"),
        (1_000, "bronze"),
    ]
    review(dt.date(2040, 3, 1))
    assert (standing().whole_growth, standing().tier_until) == (1_000, None)
    assert_proven()


def test_missed_years_are_made_up_for_at_once_and_never_twice():
    a_ladder()
    a_growth_policy()
    grow(30_000)
    run = review(dt.date(2029, 6, 1))
    assert (standing().whole_growth, tier()) == (12_000, "gold")
    assert run.counts["reviewed"] == 3
    review(dt.date(2029, 6, 1))
    review(dt.date(2029, 6, 2))
    assert standing().whole_growth == 12_000
    assert [e.occurred_on.year for e in GrowthEntry.objects.filter(kind="deduction").order_by("seq")] == [
        2027,
        2028,
        2029,
    ]
    assert standing().tier_until == night(dt.date(2030, 3, 1))


def test_an_upgrade_on_the_last_day_comes_before_the_review():
    a_ladder()
    a_growth_policy()
    grow(2_000)
    grow(8_000, at=dt.datetime(2027, 2, 28, 15, 59, tzinfo=dt.UTC))
    review(MARCH_1.replace(year=2027))
    assert (standing().whole_growth, tier()) == (10_000, "gold")


def test_an_event_after_a_missed_review_finds_it_done():
    a_ladder()
    a_growth_policy()
    grow(2_500)
    grow(300, at=NOON + 400 * DAY)
    entries = list(GrowthEntry.objects.order_by("seq").values_list("kind", "delta"))
    assert entries == [("order", 2_500_00), ("deduction", -1_000_00), ("order", 300_00)]
    assert tier() == "bronze"
    assert_proven()


def test_a_review_says_why_in_the_history_and_publishes_one_fact():
    a_ladder()
    a_growth_policy()
    grow(2_500)
    Fact.objects.all().delete()
    review(dt.date(2027, 3, 1))
    change = TierChange.objects.latest("id")
    assert (change.before.code, change.after.code, change.reason) == ("silver", "bronze", "review")
    fact = Fact.objects.get(topic="tier.changed")
    assert fact.key == "alice"
    assert fact.payload == {"before": "silver", "after": "bronze", "reason": "review", "growth": 1_500, "until": None}


def test_a_soft_landing_goes_down_one_tier_at_a_time():
    a_ladder(tuple((*rung[:2], 30_000, *rung[3:]) for rung in JD), soft_landing=True)
    a_growth_policy()
    grow(30_000)
    seen = []
    for years in range(1, 5):
        review(dt.date(2026 + years, 3, 1))
        seen.append(tier())
    assert seen == ["gold", "silver", "bronze", "bronze"]
    assert TierChange.objects.filter(reason=TierChange.Reason.SOFT_LANDING).count() == 2


def test_never_downgrade_keeps_the_tier_and_still_deducts():
    a_ladder(never_downgrade=True)
    a_growth_policy()
    grow(2_000)
    review(dt.date(2028, 3, 1))
    assert (standing().whole_growth, tier()) == (0, "silver")


def test_grace_keeps_the_tier_for_some_days_and_deducts_once():
    a_ladder(grace_days=30)
    a_growth_policy()
    grow(2_000)
    review(dt.date(2027, 3, 1))
    stands = standing()
    assert (stands.tier.code, stands.whole_growth, stands.in_grace) == ("silver", 1_000, True)
    assert stands.tier_until == night(dt.date(2027, 3, 31))
    review(dt.date(2027, 3, 31))
    assert (tier(), standing().whole_growth, standing().in_grace) == ("bronze", 1_000, False)


def test_who_grows_enough_in_the_grace_keeps_the_tier():
    a_ladder(grace_days=30)
    a_growth_policy()
    grow(2_000)
    review(dt.date(2027, 3, 1))
    grow(1_000, at=night(dt.date(2027, 3, 10)))
    review(dt.date(2027, 3, 31))
    stands = standing()
    assert (stands.tier.code, stands.in_grace) == ("silver", False)
    assert stands.tier_until == night(dt.date(2028, 3, 31))


# The other ways -----------------------------------------------------------------------------------------------------


def test_without_decay_growth_stays_for_ever():
    a_ladder(decay=Ladder.Decay.NONE)
    a_growth_policy()
    grow(2_000)
    review(dt.date(2036, 3, 1))
    assert (standing().whole_growth, tier()) == (2_000, "silver")


def test_a_rolling_window_loses_each_month_as_it_leaves():
    a_ladder(decay=Ladder.Decay.WINDOW, window_months=12)
    a_growth_policy()
    grow(1_500)
    grow(700, at=NOON + 40 * DAY)
    assert tier() == "silver"
    review(dt.date(2027, 3, 1))
    assert standing().whole_growth == 2_200
    review(dt.date(2027, 4, 1))
    assert (standing().whole_growth, tier()) == (700, "silver")
    review(dt.date(2027, 4, 10))
    assert tier() == "bronze"
    review(dt.date(2027, 5, 1))
    assert (standing().growth, standing().due_at) == (0, None)
    assert_proven()


def test_a_refund_leaves_the_window_with_its_order():
    a_ladder(decay=Ladder.Decay.WINDOW, window_months=12)
    a_growth_policy()
    grow(1_500)
    code = "alice-202603010400-1500"
    send(
        "order.refunded",
        at=NOON + 60 * DAY,
        order=code,
        refund="r",
        reason="defect",
        lines=[{"line": "1", "cash": 500_00}],
    )
    assert standing().whole_growth == 1_000
    review(dt.date(2027, 4, 1))
    assert standing().growth == 0
    assert_proven()


def test_a_period_ends_with_nothing_but_the_carry_over():
    a_ladder(decay=Ladder.Decay.RESET, period_months=12, carry_percent=50)
    a_growth_policy()
    grow(12_000)
    grow(18_000, "bob")
    grow(2_100, "charlie")
    review(dt.date(2027, 1, 1))
    assert (standing().whole_growth, tier()) == (2_000, "gold")
    assert (standing("bob").whole_growth, tier("bob")) == (5_000, "gold")
    assert (standing("charlie").whole_growth, tier("charlie")) == (100, "silver")
    assert standing().tier_until == night(dt.date(2028, 1, 1))
    review(dt.date(2028, 1, 1))
    assert (tier(), tier("bob"), tier("charlie")) == ("silver", "silver", "bronze")
    assert_proven()


def test_growth_halves_in_its_half_life():
    a_ladder(decay=Ladder.Decay.HALF_LIFE, half_life_days=100)
    a_growth_policy()
    grow(1_000)
    review(dt.date(2026, 6, 9))
    review(dt.date(2026, 7, 1))
    # 122 days from March 1st in steps of months, each rounded down to a hundredth: 1000 · 2^(−1.22) = 429.28…
    assert 429_20 <= standing().growth <= 429_29
    grow(100, at=NOON + 200 * DAY)
    # 2026-09-17: what was left has faded to 250, then 100 are added.
    assert standing().whole_growth in (349, 350)
    assert_proven()


def test_late_growth_counts_what_is_left_of_it():
    a_ladder(decay=Ladder.Decay.HALF_LIFE, half_life_days=100)
    a_growth_policy()
    grow(1_000)
    send("order.completed", "alice", NOON, received=NOON + 100 * DAY, **order("late", line(1, 1_000_00)))
    assert 999 <= standing().whole_growth <= 1_000


@pytest.mark.parametrize("decay", Ladder.Decay)
def test_every_mode_is_safe_to_run_twice(decay):
    a_ladder(decay=decay)
    a_growth_policy()
    grow(12_000)
    review(dt.date(2027, 4, 1))
    before = standing()
    JobRun.objects.all().delete()
    review(dt.date(2027, 4, 1))
    after = standing()
    assert (after.growth, after.version, after.tier_until) == (before.growth, before.version, before.tier_until)


# Ladders change ---------------------------------------------------------------------------------------------------------


def test_a_new_ladder_lifts_at_once_and_lets_fall_at_the_review():
    a_ladder()
    a_growth_policy()
    grow(2_000)
    grow(9_000, "bob")
    harder = [
        ("registered", 0, 0, None, False),
        ("bronze", 0, 0, None, True),
        ("silver", 5_000, 1_000, 12, False),
        ("gold", 8_000, 4_000, 12, False),
    ]
    a_ladder(harder, effective_at=night(dt.date(2026, 4, 1)))
    review(dt.date(2026, 4, 1))
    assert (tier(), tier("bob")) == ("silver", "gold")
    assert standing().tier_until == night(dt.date(2027, 3, 1))
    assert TierChange.objects.latest("id").reason == TierChange.Reason.LADDER
    review(dt.date(2027, 3, 1))
    assert tier() == "bronze"


def test_a_new_ladder_lets_fall_at_once_if_it_says_so():
    a_ladder()
    a_growth_policy()
    grow(2_000)
    harder = [("registered", 0, 0, None, False), ("silver", 5_000, 1_000, 12, False)]
    a_ladder(harder, effective_at=night(dt.date(2026, 4, 1)), applies=Ladder.Applies.AT_ONCE)
    review(dt.date(2026, 4, 1))
    assert tier() == "registered"


def test_a_window_reckons_growth_anew_when_it_comes_into_force():
    a_ladder()
    a_growth_policy()
    grow(2_500)
    review(dt.date(2027, 3, 1))
    a_ladder(decay=Ladder.Decay.WINDOW, window_months=24, effective_at=night(dt.date(2027, 4, 1)))
    review(dt.date(2027, 4, 1))
    assert standing().whole_growth == 2_500
    assert GrowthEntry.objects.latest("seq").kind == GrowthEntry.Kind.LADDER
    assert_proven()


def test_an_event_after_a_change_of_ladders_is_judged_by_the_new_one():
    a_ladder()
    a_growth_policy()
    grow(2_000)
    a_ladder(
        [("registered", 0, 0, None, False), ("silver", 3_000, 0, 12, False)],
        effective_at=night(dt.date(2026, 4, 1)),
        applies=Ladder.Applies.AT_ONCE,
    )
    grow(500, at=night(dt.date(2026, 4, 2)))
    assert tier() == "registered"


# Approval, closed members, many -----------------------------------------------------------------------------------------


def test_reviews_wait_for_approval_if_the_programme_says_so():
    a_ladder()
    a_growth_policy()
    grow(2_500)
    Programme.objects.update(review_needs_approval=True)
    review(dt.date(2027, 3, 1))
    grow(10, at=night(dt.date(2027, 3, 2)))
    assert standing().whole_growth == 2_500
    Programme.objects.update(reviews_approved_until=night(dt.date(2027, 3, 3)))
    review(dt.date(2027, 3, 3))
    assert standing().whole_growth == 1_500


def test_newcomers_come_onto_the_ladder_though_reviews_wait():
    a_ladder()
    set_programme(review_needs_approval=True)
    send("member.logged_in")
    assert tier() == "registered"


def test_who_has_left_is_not_reviewed():
    a_ladder()
    a_growth_policy()
    grow(2_500)
    members.close("alice", NOON + DAY)
    transfers.close(Member.objects.get(), NOON + DAY)
    review(dt.date(2027, 3, 1))
    assert GrowthEntry.objects.filter(kind="deduction").count() == 0


def test_a_review_of_many_costs_as_many_queries_as_one_of_few(django_assert_max_num_queries):
    a_ladder()
    a_growth_policy()
    for number in range(30):
        grow(2_500, f"m-{number}")
    with django_assert_max_num_queries(45 if connection.vendor == "sqlite" else 40):
        run = review(dt.date(2027, 3, 1))
    assert run.counts["reviewed"] == 30
    assert Standing.objects.filter(tier__code="bronze", growth=1_500_00).count() == 30


# Hostile circumstances --------------------------------------------------------------------------------------------------


def test_a_grace_ends_though_a_month_begins_in_it():
    a_ladder(decay=Ladder.Decay.WINDOW, window_months=12, grace_days=40)
    a_growth_policy()
    grow(2_000)
    review(dt.date(2027, 3, 1))
    grow(30, at=night(dt.date(2027, 3, 2)))
    Standing.objects.update(tier_until=night(dt.date(2027, 4, 5)))
    review(dt.date(2027, 4, 5))
    assert standing().in_grace
    review(dt.date(2027, 5, 1))
    assert standing().in_grace
    review(dt.date(2027, 5, 15))
    assert (tier(), standing().in_grace) == ("bronze", False)


def test_a_grace_at_the_end_of_a_period_costs_no_tier_more_than_its_absence():
    a_ladder(decay=Ladder.Decay.RESET, grace_days=30)
    a_growth_policy()
    grow(12_000)
    review(dt.date(2027, 1, 1))
    grow(7_000, at=night(dt.date(2027, 5, 1)))
    review(dt.date(2028, 1, 1))
    assert (tier(), standing().in_grace, standing().whole_growth) == ("gold", True, 9_000)
    review(dt.date(2028, 1, 31))
    assert (tier(), standing().in_grace, standing().whole_growth) == ("silver", False, 1_000)
    assert standing().tier_until == night(dt.date(2029, 1, 1))


def test_a_tier_set_by_hand_beyond_the_period_of_a_new_ladder_stops_nothing():
    a_ladder()
    a_growth_policy()
    grow(100)
    gold, alice = Tier.objects.get(code="gold"), Member.objects.get()
    overrides.set_tier(alice, gold, dt.date(2027, 6, 30), note="a guest", actor=STAFF, at=NOON)
    a_ladder(decay=Ladder.Decay.RESET, effective_at=night(dt.date(2026, 4, 1)))
    review(dt.date(2026, 4, 1))
    review(dt.date(2027, 1, 1))
    assert tier() == "gold"
    review(dt.date(2027, 7, 1))
    assert tier() == "bronze"


def test_what_ends_when_a_new_ladder_begins_is_still_reviewed():
    a_ladder(decay=Ladder.Decay.RESET)
    a_growth_policy()
    grow(12_000)
    a_ladder(decay=Ladder.Decay.RESET, effective_at=night(dt.date(2027, 1, 1)))
    review(dt.date(2027, 1, 1))
    assert standing().whole_growth == 2_000
    assert standing().tier_until == night(dt.date(2028, 1, 1))


def test_a_review_that_waits_for_approval_outlives_a_new_ladder():
    a_ladder()
    a_growth_policy()
    grow(2_500)
    set_programme(review_needs_approval=True)
    a_ladder(effective_at=night(dt.date(2027, 4, 1)))
    review(dt.date(2027, 4, 1))
    assert standing().whole_growth == 2_500
    Programme.objects.update(reviews_approved_until=night(dt.date(2027, 4, 2)))
    review(dt.date(2027, 4, 2))
    assert (standing().whole_growth, tier()) == (1_500, "bronze")


def test_growth_fades_up_to_a_new_ladder():
    a_ladder(decay=Ladder.Decay.HALF_LIFE, half_life_days=10)
    a_growth_policy()
    grow(1_000)
    a_ladder(decay=Ladder.Decay.NONE, effective_at=night(dt.date(2026, 3, 21)))
    review(dt.date(2026, 5, 1))
    assert standing().whole_growth == 250
    assert_proven()


def test_of_two_ladders_that_begin_together_only_the_later_edition_counts():
    a_ladder()
    a_growth_policy()
    grow(2_000)
    start = night(dt.date(2026, 4, 1))
    a_ladder([("registered", 0, 0, None, False)], effective_at=start, applies=Ladder.Applies.AT_ONCE)
    a_ladder(effective_at=start)
    review(dt.date(2026, 4, 1))
    assert tier() == "silver"
    assert not TierChange.objects.filter(reason=TierChange.Reason.LADDER).exists()


def test_late_growth_does_not_put_off_what_leaves_the_window():
    a_ladder(decay=Ladder.Decay.WINDOW, window_months=12)
    a_growth_policy()
    grow(1_500)
    review(dt.date(2027, 3, 31))
    midnight = night(dt.date(2027, 4, 1))
    late = order("late", line(1, 100_00))
    send("order.completed", at=midnight - dt.timedelta(minutes=1), received=midnight + dt.timedelta(minutes=9), **late)
    review(dt.date(2027, 4, 1))
    assert standing().whole_growth == 100


def test_growth_that_halves_is_not_faded_twice_by_a_late_review():
    a_ladder(decay=Ladder.Decay.HALF_LIFE, half_life_days=100)
    a_growth_policy()
    set_programme(review_needs_approval=True)
    grow(1_000)
    grow(1_000, "bob")
    for name in ("alice", "bob"):
        Standing.objects.filter(member__external_id=name).update(tier_until=night(dt.date(2026, 3, 10)))
    Standing.objects.update(due_at=night(dt.date(2026, 3, 10)))
    grow(100, at=night(dt.date(2026, 3, 31)))
    Programme.objects.update(reviews_approved_until=night(dt.date(2026, 4, 1)))
    review(dt.date(2026, 4, 1))
    grow(100, "bob", at=night(dt.date(2026, 4, 1)))
    assert abs(standing().whole_growth - standing("bob").whole_growth) <= 1


def test_late_growth_from_before_the_window_counts_for_nothing_though_nobody_looked_for_years():
    a_ladder(decay=Ladder.Decay.WINDOW, window_months=12)
    a_growth_policy()
    send("order.completed", **order("o-1", line(1, 10_00)))
    late = order("late", line(1, 5_000_00))
    send("order.completed", at=NOON + 100 * DAY, received=NOON + 1_000 * DAY, **late)
    assert (standing().growth, tier()) == (0, "bronze")


@pytest.mark.parametrize("size", [1, 3])
def test_a_batch_over_a_late_review_ends_as_one_by_one(size):
    a_ladder()
    a_growth_policy()
    grow(2_500)
    anniversary, received = night(dt.date(2027, 3, 1)), night(dt.date(2027, 3, 1)) + dt.timedelta(hours=9)
    told = [
        event("order.completed", who, anniversary + dt.timedelta(hours=hours), **order(f"{who}-{hours}", line(1, cash)))
        for who, hours, cash in (("alice", -1, 100_00), ("bob", 1, 100_00), ("alice", 2, 7_400_00))
    ]
    answers = [answer for i in range(0, 3, size) for answer in send_all(told[i : i + size], received)]
    assert [answer["effects"]["growth"]["added"] for answer in answers] == [100, 100, 7_400]
    assert (standing().whole_growth, tier()) == (9_000, "silver")
    assert list(
        GrowthEntry.objects.filter(member__external_id="alice").order_by("seq").values_list("kind", flat=True)
    ) == [
        "order",
        "order",
        "deduction",
        "order",
    ]


@pytest.mark.parametrize("zone", ["America/Sao_Paulo", "Europe/Berlin", "America/Santiago", "Asia/Beirut"])
@pytest.mark.parametrize("decay", Ladder.Decay)
def test_every_local_day_of_a_year_is_reviewed_where_clocks_change(settings, zone, decay):
    settings.TIME_ZONE = zone
    a_ladder([("registered", 0, 0, None, False), ("silver", 2_000, 500, 1, False)], decay=decay, period_months=1)
    a_growth_policy()
    for day in (MARCH_1, dt.date(2026, 3, 28), dt.date(2026, 9, 5), dt.date(2026, 10, 24)):
        grow(2_000, f"m-{day}", at=night(day) + dt.timedelta(hours=22))
    review(dt.date(2027, 3, 1))
    for stands in Standing.objects.all():
        for instant in filter(None, (stands.tier_until, stands.due_at)):
            assert night(clock.local_date(instant)) == instant > night(dt.date(2027, 3, 1))
    assert_proven()
