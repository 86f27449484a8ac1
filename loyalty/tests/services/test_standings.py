"""What members are told of what comes next, and that it comes so (domain.md F1–F5; S1-11, S2-38, E45)."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from common import clock
from common.services.audit import Actor
from loyalty.models import Ladder, OrderLine, Standing, Tier
from loyalty.selectors import programme as programmes
from loyalty.services import overrides, ranking, standings, tiers
from loyalty.tests.stage import DAY, JD, NOON, a_growth_policy, a_ladder, line, order, send, set_programme, standing

pytestmark = pytest.mark.django_db

Decay = Ladder.Decay
RANKED = (("base", 0, 0, None, False), ("gold", 0, 0, None, False), ("top", 0, 0, None, False))


def grow(whole: int, subject: str = "alice", at: dt.datetime = NOON) -> None:
    """So much growth by an order of that day."""
    send("order.completed", subject, at, **order(f"{subject}-{at:%Y%m%d%H%M}", line(1, whole * 100)))


def progress(at: dt.datetime = NOON, subject: str = "alice") -> standings.Progress:
    return standings.progress(programmes.current(), standing(subject), at)


def review(day: dt.date) -> None:
    tiers.review(clock.day_start(day), clock.day_start(day) + dt.timedelta(minutes=30))


def next_review(at: dt.datetime = NOON) -> tuple[str, int, int, str]:
    coming = progress(at).next_review
    return coming.on.isoformat(), coming.deduction, coming.growth_after, coming.tier_after.code


@pytest.fixture
def rolled_back():
    """Each example of a property begins with an empty house."""

    @contextmanager
    def example():
        savepoint = transaction.savepoint()
        try:
            yield
        finally:
            transaction.savepoint_rollback(savepoint)

    return example


# The next tier ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("growth", "tier", "threshold", "missing"),
    [
        (100, "silver", 2_000, 1_900),
        (1_999, "silver", 2_000, 1),
        (2_000, "gold", 10_000, 8_000),
        (9_999, "gold", 10_000, 1),
        (10_000, "diamond", 30_000, 20_000),
    ],
)
def test_what_is_missing_for_the_next_tier(growth, tier, threshold, missing):
    a_ladder()
    a_growth_policy()
    grow(growth)
    coming = progress().next_tier
    assert (coming.tier.code, coming.threshold, coming.missing) == (tier, threshold, missing)


def test_a_fraction_of_growth_is_missing_as_a_whole_and_not_shown_as_had():
    a_ladder()
    a_growth_policy()
    grow(1_000)
    Standing.objects.update(growth=1_999_99)
    assert (progress().growth, progress().next_tier.missing) == (1_999, 1)


def test_above_the_highest_tier_there_is_none():
    a_ladder()
    a_growth_policy()
    grow(30_000)
    assert progress().next_tier is None


def test_bronze_asks_for_an_order_and_no_growth():
    a_ladder()
    send("member.logged_in")
    coming = progress().next_tier
    assert (coming.tier.code, coming.missing, coming.needs_order) == ("bronze", 0, True)


def test_who_did_nothing_yet_stands_below_everything():
    a_ladder()
    nothing = standings.progress(programmes.current(), None, NOON)
    assert (nothing.growth, nothing.next_tier.tier.code, nothing.next_review) == (0, "bronze", None)


def test_without_a_ladder_nothing_comes_next():
    send("member.logged_in")
    assert progress() == standings.Progress(0, None, None)


# The next review --------------------------------------------------------------------------------------------------


def test_jds_gold_member_is_told_of_the_deduction_and_keeps_gold():
    a_ladder()
    a_growth_policy()
    grow(20_000)
    assert next_review() == ("2027-03-01", 4_000, 16_000, "gold")


def test_a_member_who_will_fall_is_told_where_to():
    a_ladder()
    a_growth_policy()
    grow(2_500)
    assert next_review() == ("2027-03-01", 1_000, 1_500, "bronze")


def test_no_more_is_deducted_than_there_is():
    a_ladder((*JD[:2], ("silver", 100, 1_000, 12, False)))
    a_growth_policy()
    grow(150)
    assert next_review() == ("2027-03-01", 150, 0, "bronze")


def test_a_tier_that_is_valid_for_ever_has_no_review():
    a_ladder()
    a_growth_policy()
    grow(100)
    assert progress().next_review is None


def test_a_soft_landing_is_told_as_one_step():
    a_ladder(tuple((*rung[:2], 30_000, *rung[3:]) for rung in JD), soft_landing=True)
    a_growth_policy()
    grow(30_000)
    assert next_review() == ("2027-03-01", 30_000, 0, "gold")


def test_never_downgrade_keeps_the_tier_and_tells_the_deduction():
    a_ladder(never_downgrade=True)
    a_growth_policy()
    grow(2_000)
    assert next_review() == ("2027-03-01", 1_000, 1_000, "silver")


def test_a_tier_that_is_kept_in_grace_says_until_when():
    a_ladder(grace_days=30)
    a_growth_policy()
    grow(2_000)
    assert next_review() == ("2027-03-01", 1_000, 1_000, "silver")
    assert progress().next_review.grace_until == dt.date(2027, 3, 31)
    review(dt.date(2027, 3, 1))
    in_grace = clock.day_start(dt.date(2027, 3, 2))
    assert next_review(in_grace) == ("2027-03-31", 0, 1_000, "bronze")
    assert progress(in_grace).next_review.grace_until is None


def test_a_tier_set_by_hand_ends_without_a_deduction():
    a_ladder()
    a_growth_policy()
    grow(2_500)
    overrides.set_tier(
        standing().member,
        Tier.objects.get(code="diamond"),
        dt.date(2026, 6, 30),
        note="A film star.",
        actor=Actor("the test"),
        at=NOON,
    )
    assert next_review() == ("2026-07-01", 0, 2_500, "silver")


def test_a_window_tells_what_leaves_it_until_the_review():
    a_ladder(decay=Decay.WINDOW, window_months=12)
    a_growth_policy()
    grow(1_500)
    grow(700, at=NOON + 40 * DAY)
    # Silver since 2026-04-10: by then March of the year before has left, April has not.
    assert next_review(NOON + 40 * DAY) == ("2027-04-10", 1_500, 700, "bronze")


def test_the_end_of_a_period_tells_what_is_carried_over():
    a_ladder(decay=Decay.RESET, period_months=12, carry_percent=50)
    a_growth_policy()
    grow(12_000)
    assert next_review() == ("2027-01-01", 10_000, 2_000, "gold")


def test_growth_that_halves_is_shown_as_it_is_left_on_that_day():
    a_ladder(decay=Decay.HALF_LIFE, half_life_days=100)
    a_growth_policy()
    grow(4_000)
    assert progress(NOON + 100 * DAY).growth == 2_000
    on, deduction, after, tier = next_review(NOON + 100 * DAY)
    # 365 days from March 1st: 4000 · 2^(−3.65) = 318.6…
    assert (on, deduction, after, tier) == ("2027-03-01", 2_000 - 318, 318, "bronze")


def test_without_decay_a_review_takes_nothing():
    a_ladder(decay=Decay.NONE)
    a_growth_policy()
    grow(2_000)
    assert next_review() == ("2027-03-01", 0, 2_000, "silver")


def test_who_is_not_on_the_new_ladder_yet_is_told_no_review_until_the_night():
    a_ladder()
    a_growth_policy()
    grow(2_500)
    a_ladder(effective_at=NOON + DAY)
    assert progress(NOON + 2 * DAY).next_review is None
    review(clock.local_date(NOON + 2 * DAY))
    assert progress(NOON + 2 * DAY).next_review is not None


def test_a_review_that_waits_for_approval_is_told_with_its_day():
    a_ladder()
    a_growth_policy()
    grow(2_500)
    set_programme(review_needs_approval=True)
    review(dt.date(2027, 3, 5))
    assert next_review(clock.day_start(dt.date(2027, 3, 5))) == ("2027-03-01", 1_000, 1_500, "bronze")


def test_a_late_review_deducts_nothing_that_has_faded_already():
    a_ladder(decay=Decay.HALF_LIFE, half_life_days=100)
    a_growth_policy()
    grow(4_000)
    late = clock.day_start(dt.date(2027, 6, 9))
    assert progress(late).growth == 159
    assert next_review(late) == ("2027-03-01", 0, 159, "bronze")


# By rank ------------------------------------------------------------------------------------------------------------


def ranked(**sizes: int) -> None:
    a_ladder(RANKED, line=Ladder.Line.TOP, decay=Decay.NONE, sizes=sizes)
    a_growth_policy()


def draw() -> None:
    april = clock.day_start(dt.date(2026, 4, 1))
    ranking.rank(april, april)


def test_by_rank_nothing_is_known_before_the_first_ranking():
    ranked(gold=2, top=1)
    grow(100)
    coming = progress().next_tier
    assert (coming.tier.code, coming.threshold, coming.missing, coming.ranked_on) == ("gold", None, None, None)


def test_by_rank_the_last_cut_is_the_goal_and_there_is_no_review():
    ranked(gold=2, top=1)
    grow(100)
    grow(200, "bob")
    grow(300, "charlie")
    draw()
    coming = progress().next_tier
    assert (coming.tier.code, coming.threshold, coming.missing) == ("gold", 200, 100)
    assert coming.ranked_on == dt.date(2026, 4, 1)
    assert progress().next_review is None
    assert progress(subject="bob").next_tier.missing == 100


def test_by_rank_a_place_that_is_free_asks_for_some_growth():
    ranked(gold=9, top=1)
    grow(100, "bob")
    grow(50, "charlie")
    send("member.logged_in")
    draw()
    assert progress().next_tier.missing == 1


# What is told comes true ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decay", Decay)
@settings(
    max_examples=25, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(
    orders=st.lists(
        st.tuples(st.integers(0, 300), st.integers(20, 20_000)), min_size=1, max_size=5, unique_by=lambda o: o[0]
    ),
    percent=st.sampled_from([100, 110, 130]),
    asked_after=st.integers(0, 20),
    law=st.fixed_dictionaries(
        {
            "grace_days": st.sampled_from([0, 30]),
            "soft_landing": st.booleans(),
            "never_downgrade": st.booleans(),
            "half_life_days": st.integers(20, 400),
            "window_months": st.sampled_from([6, 12]),
            "period_months": st.sampled_from([3, 12]),
        }
    ),
)
def test_the_review_does_what_it_was_told_to_do(decay, orders, percent, asked_after, law, rolled_back):
    with rolled_back():
        a_ladder(decay=decay, **law)
        a_growth_policy()
        send("member.logged_in")
        Standing.objects.update(coefficient_percent=percent)
        for days, cash in sorted(orders):
            grow(cash, at=NOON + days * DAY)
        at = NOON + (max(days for days, _cash in orders) + asked_after) * DAY
        review(clock.local_date(at))
        told = progress(at)
        if told.next_review is None:
            assert standing().tier_until is None
            return
        review(told.next_review.on)
        after = standing()
        assert after.whole_growth == told.next_review.growth_after == told.growth - told.next_review.deduction
        assert after.tier == told.next_review.tier_after
        assert after.in_grace == (told.next_review.grace_until is not None)
        if after.in_grace:
            assert clock.local_date(after.tier_until) == told.next_review.grace_until


@pytest.mark.parametrize("decay", Decay)
@settings(
    max_examples=15, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(
    lines=st.lists(
        st.tuples(
            st.integers(0, 50_000), st.sampled_from(["", "a", "b"]), st.sampled_from(["books", "gold"]), st.booleans()
        ),
        min_size=1,
        max_size=4,
    ),
    percent=st.sampled_from([0, 100, 110, 130]),
    by_store=st.booleans(),
    later=st.integers(1, 25),
)
def test_an_order_gives_the_growth_that_was_foreseen(decay, lines, percent, by_store, later, rolled_back):
    with rolled_back():
        a_ladder(decay=decay)
        a_growth_policy(by_store=by_store, excluded_categories="gold", activity_needs_order=False)
        send("member.logged_in")
        Standing.objects.update(coefficient_percent=110)
        send("member.logged_in", at=NOON + DAY)
        Standing.objects.update(coefficient_percent=percent)
        basket = [
            OrderLine(cash=cash, store_code=store, category=category, is_virtual=virtual)
            for cash, store, category, virtual in lines
        ]
        at = NOON + DAY * later
        foreseen = standings.to_earn(programmes.current(), standing(), basket, at)
        sold = [
            line(number, cash, store=store, category=category, virtual=virtual)
            for number, (cash, store, category, virtual) in enumerate(lines)
        ]
        before = progress(at).growth
        send("order.completed", at=at, **order("o-1", *sold))
        assert progress(at).growth - before == foreseen


def test_without_a_policy_an_order_adds_nothing():
    assert standings.to_earn(programmes.current(), None, [OrderLine(cash=10_000)], NOON) == 0


def test_progress_costs_two_queries_at_most(django_assert_max_num_queries):
    a_ladder(decay=Decay.WINDOW, window_months=6)
    a_growth_policy()
    for day in range(20):
        grow(200, at=NOON + day * DAY)
    programme, stands = programmes.current(), standing()
    standings.progress(programme, stands, NOON + 20 * DAY)
    with django_assert_max_num_queries(2):
        assert standings.progress(programme, stands, NOON + 20 * DAY).next_review.deduction
