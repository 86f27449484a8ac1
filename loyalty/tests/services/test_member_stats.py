"""What the night finds out about members (domain.md F14, F24). Histories are laid down as rows: they span years."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import clock
from common.models import Fact, JobRun
from loyalty import facts
from loyalty.models import (
    Activity,
    DeliveryRefusal,
    LifecyclePolicy,
    MemberStats,
    Order,
    Quintiles,
    Refund,
    RefundLine,
    Review,
)
from loyalty.services import member_stats
from loyalty.tests.shoppers import bought, member, stats

pytestmark = pytest.mark.django_db

TODAY = dt.date(2026, 3, 1)
MIDNIGHT = clock.day_start(TODAY)


def days_ago(days: int) -> dt.date:
    return TODAY - dt.timedelta(days=days)


def measure(today: dt.date = TODAY) -> JobRun:
    return member_stats.measure(clock.day_start(today), clock.day_start(today))


def stage_of(name: str) -> str:
    return stats(name).lifecycle


# What is counted ------------------------------------------------------------------------------------------------


def test_a_member_is_measured_over_the_twelve_months_before_the_day():
    bought("alice", days_ago(1), 30_00, category="books", channel="app")
    bought("alice", days_ago(1), 10_00, category="shoes", channel="web")
    bought("alice", dt.date(2025, 3, 1), 5_00, category="books", channel="app")
    bought("alice", dt.date(2025, 2, 28), 100_00, category="toys", channel="")

    measure()

    alice = stats("alice")
    assert (alice.first_order_on, alice.last_order_on) == (dt.date(2025, 2, 28), days_ago(1))
    assert (alice.orders_12m, alice.order_days_12m, alice.net_cash_12m, alice.lines_12m) == (3, 2, 45_00, 3)
    assert (alice.channels, alice.categories) == (2, 3)


def test_the_day_itself_is_not_looked_at():
    bought("alice", TODAY, 30_00)

    measure()

    assert stats("alice").last_order_on is None


def test_money_counts_after_refunds_and_an_order_with_nothing_left_is_no_order():
    bought("alice", days_ago(40), 30_00, refunded=30_00)
    bought("alice", days_ago(50), 30_00, refunded=10_00)

    measure()

    alice = stats("alice")
    assert (alice.last_order_on, alice.orders_12m, alice.order_days_12m, alice.net_cash_12m) == (
        days_ago(50),
        1,
        1,
        20_00,
    )


def test_an_order_paid_with_points_alone_is_an_order():
    order = bought("alice", days_ago(3), 0)
    order.lines.update(points=500)

    measure()

    assert (stats("alice").last_order_on, stats("alice").net_cash_12m) == (days_ago(3), 0)


def test_reviews_and_log_in_days_are_counted_and_removed_reviews_are_not():
    alice = member("alice")
    for number, (photos, status) in enumerate([(0, "approved"), (2, "approved"), (1, "removed")]):
        Review.objects.create(
            code=f"r-{number}", member=alice, photos=photos, status=status, approved_at=MIDNIGHT - dt.timedelta(days=9)
        )
    Review.objects.create(code="r-old", member=alice, approved_at=clock.day_start(dt.date(2025, 2, 28)))
    for day, kind in [(2, "login"), (3, "login"), (3, "share"), (400, "login")]:
        Activity.objects.create(member=alice, kind=kind, day=days_ago(day), at=MIDNIGHT)

    measure()

    assert (stats("alice").reviews_12m, stats("alice").photo_reviews_12m, stats("alice").login_days_12m) == (2, 1, 2)


def test_a_line_returned_without_cause_counts_once_and_defects_do_not():
    for number, (code, reason) in enumerate([("a", "no_reason"), ("b", "no_reason"), ("c", "defect")]):
        order = bought("alice", days_ago(20), 30_00)
        for again in range(2):
            refund(order, f"{code}{number}{again}", reason)
    refused = bought("alice", days_ago(10), 30_00)
    refund(refused, "r", "refused")
    DeliveryRefusal.objects.create(member=refused.member, order=refused, day=days_ago(9), at=MIDNIGHT)

    measure()

    assert (stats("alice").causeless_12m, stats("alice").lines_12m) == (3, 4)


def refund(order: Order, code: str, reason: str) -> None:
    nothing = dict.fromkeys(("clawed_back", "forgiven", "cash_deduction", "debt", "restored", "not_restored"), 0)
    made = Refund.objects.create(
        order=order, code=code, reason=reason, cash=1, at=MIDNIGHT - dt.timedelta(days=5), **nothing
    )
    RefundLine.objects.create(refund=made, line=order.lines.get(), quantity=0, cash=1, points=0)


def test_what_a_merged_member_did_the_other_did_however_long_the_chain():
    bought("carol", days_ago(300), 10_00)
    bought("bob", days_ago(200), 20_00)
    bought("alice", days_ago(100), 30_00)
    member("carol", status="merged", merged_into=member("bob"))
    member("bob", status="merged", merged_into=member("alice"))

    measure()

    assert (stats("alice").net_cash_12m, stats("alice").first_order_on) == (60_00, days_ago(300))
    assert MemberStats.objects.count() == 1


def test_who_closed_the_account_is_forgotten():
    bought("alice", days_ago(3))
    measure(days_ago(1))
    member("alice", status="closed")

    assert measure().counts["removed"] == 1
    assert not MemberStats.objects.exists()


# Quintiles ------------------------------------------------------------------------------------------------------


def test_ten_members_make_five_classes_of_two():
    for number in range(10):
        for day in range(number + 1):
            bought(f"m-{number}", days_ago(30 - number - day), (number + 1) * 10_00)

    measure()

    rows = MemberStats.objects.order_by("member__external_id")
    assert list(rows.values_list("rfm", flat=True)) == [111, 111, 222, 222, 333, 333, 444, 444, 555, 555]


def test_equal_values_share_a_class_the_lowest_that_their_ranks_reach():
    for number in range(10):
        for day in range(1 if number < 7 else number):
            bought(f"m-{number}", days_ago(100 + day))

    measure()

    rows = MemberStats.objects.order_by("member__external_id")
    assert list(rows.values_list("f", flat=True)) == [1, 1, 1, 1, 1, 1, 1, 4, 5, 5]


def test_who_never_ordered_has_no_classes_and_does_not_move_the_cuts():
    bought("alice", days_ago(3), 10_00)
    for number in range(8):
        member(f"looker-{number}")

    measure()

    assert stats("looker-0").rfm is None
    assert Quintiles.objects.get().members == 1
    assert Quintiles.objects.get().money == [10_00] * 4


def test_classes_are_taken_away_with_the_only_order():
    order = bought("alice", days_ago(3), 10_00)
    measure(days_ago(1))
    assert stats("alice").rfm == 111
    order.lines.update(refunded_cash=10_00, refunded_quantity=1)

    measure()

    assert (stats("alice").r, stats("alice").rfm) == (None, None)


def test_without_any_order_there_is_nothing_to_grade():
    member("alice")

    measure()

    assert JobRun.objects.get(job=member_stats.GRADE).status == JobRun.Status.DONE


# The life cycle -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("registered", "orders", "stage"),
    [
        (500, [], "prospect"),
        (30, [], "new"),
        (31, [], "prospect"),
        (500, [30], "new"),
        (500, [31], "active"),
        (500, [90], "active"),
        (500, [91], "at_risk"),
        (500, [180], "at_risk"),
        (500, [181], "lapsed"),
        (5, [181], "lapsed"),
        (900, [300, 250, 200], "lapsed"),  # 3 x 50 days = 150: 180 is more
        (900, [400, 300, 200], "active"),  # 2 x 100 days
        (900, [401, 301, 201], "at_risk"),
        (900, [500, 400, 300], "at_risk"),  # 3 x 100 days is more than 180
        (900, [501, 401, 301], "lapsed"),
        (900, [321, 200], "active"),  # the only gap is the median
        (900, [400, 279, 200], "active"),  # of an even number of gaps, 121 and 79, the median is 100
        (900, [401, 280, 201], "at_risk"),
    ],
)
def test_the_stage_follows_from_registration_and_orders(registered, orders, stage):
    member("alice", registered_on=days_ago(registered))
    for days in orders:
        bought("alice", days_ago(days))

    measure()

    assert stage_of("alice") == stage


def test_half_a_day_of_the_median_counts():
    """Gaps 60 and 61: the median is 60.5, three times that 181.5; day 181 is not beyond it, day 182 is."""
    for days in (181, 241, 302):
        bought("alice", days_ago(days))
    measure()
    assert (stats("alice").median_gap_half_days, stage_of("alice")) == (121, "at_risk")

    measure(TODAY + dt.timedelta(days=1))

    assert stage_of("alice") == "lapsed"


def test_who_orders_again_after_a_lapse_is_returning_for_sixty_days_and_never_new():
    bought("alice", days_ago(400))
    measure(days_ago(219))
    assert stage_of("alice") == "lapsed"
    bought("alice", days_ago(200))

    found = {}
    for days in (199, 140, 139):
        measure(days_ago(days))
        found[days] = stage_of("alice")

    assert found == {199: "returning", 140: "returning", 139: "active"}


def test_returning_is_seen_though_no_night_ever_saw_the_lapse():
    bought("alice", days_ago(400))
    bought("alice", days_ago(10))

    measure()

    assert stage_of("alice") == "returning"


def test_who_always_buys_once_a_year_does_not_return_each_time():
    for years in range(4):
        bought("alice", days_ago(10 + 365 * years))

    measure()

    assert stage_of("alice") == "active"


def test_a_refunded_first_order_makes_nobody_new_twice():
    bought("alice", days_ago(300), 10_00, refunded=10_00)
    bought("alice", days_ago(3))

    measure()

    assert stage_of("alice") == "active"


def test_the_limits_are_those_of_the_policy_in_force():
    LifecyclePolicy.objects.create(
        status="published", effective_at=MIDNIGHT, published_at=MIDNIGHT, drafted_at=MIDNIGHT, lapsed_days=100
    )
    bought("alice", days_ago(101))

    measure(days_ago(1))
    before = stage_of("alice")
    measure()

    assert (before, stage_of("alice")) == ("at_risk", "lapsed")


def test_a_policy_in_which_nobody_is_at_risk_before_lapsing_is_at_fault():
    assert LifecyclePolicy().faults() == []
    assert len(LifecyclePolicy(risk_days=180).faults()) == 1
    assert len(LifecyclePolicy(new_days=181, returning_days=181).faults()) == 2


def test_a_change_of_stage_is_published_once_and_the_first_stage_is_not():
    bought("alice", days_ago(180))
    measure()
    assert not Fact.objects.filter(topic="lifecycle.changed").exists()

    tomorrow = TODAY + dt.timedelta(days=1)
    measure(tomorrow)
    measure(tomorrow)
    measure(tomorrow + dt.timedelta(days=1))

    fact = Fact.objects.get(topic=facts.LifecycleChanged.topic)
    assert facts.LifecycleChanged(fact.key, **fact.payload) == facts.LifecycleChanged("alice", "at_risk", "lapsed")
    assert (stats("alice").lifecycle_before, stats("alice").lifecycle_since) == ("at_risk", clock.day_start(tomorrow))


# Nights ---------------------------------------------------------------------------------------------------------


def test_a_run_that_was_killed_goes_on_and_ends_with_what_one_whole_run_gives(monkeypatch):
    monkeypatch.setattr(member_stats, "MEMBERS_PER_CHUNK", 2)
    for number in range(6):
        bought(f"m-{number}", days_ago(178 + number))
    measure(days_ago(4))
    whole, calls = member_stats._measure_span, []

    def dies(first, last, *args):
        calls.append(first)
        if len(calls) == 2:
            whole(first, last, *args)
            raise RuntimeError("the lights went out")
        return whole(first, last, *args)

    monkeypatch.setattr(member_stats, "_measure_span", dies)
    with pytest.raises(RuntimeError):
        measure()
    assert JobRun.objects.get(job=member_stats.MEASURE, as_of=MIDNIGHT).status == JobRun.Status.FAILED
    monkeypatch.setattr(member_stats, "_measure_span", whole)

    run = measure()

    assert run.counts == {"members": 6, "life_cycles_changed": 3, "removed": 0}
    told = Fact.objects.filter(topic="lifecycle.changed").values_list("key", flat=True)
    assert sorted(told) == ["m-3", "m-4", "m-5"]
    assert [stage_of(f"m-{number}") for number in range(6)] == ["at_risk"] * 3 + ["lapsed"] * 3


def test_an_earlier_night_that_is_made_good_late_does_not_undo_a_later_one():
    bought("alice", days_ago(181))
    measure()

    measure(days_ago(5))

    assert (stage_of("alice"), stats("alice").measured_at) == ("lapsed", MIDNIGHT)
    assert not Fact.objects.filter(topic="lifecycle.changed").exists()


def test_the_number_of_statements_does_not_depend_on_the_number_of_members():
    def cost(today: dt.date) -> int:
        with CaptureQueriesContext(connection) as queries:
            measure(today)
        return len(queries)

    bought("alice", days_ago(1))
    few = cost(TODAY)
    for number in range(20):
        bought(f"m-{number}", days_ago(number + 1))

    assert cost(TODAY + dt.timedelta(days=1)) == few
