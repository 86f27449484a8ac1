import datetime as dt

import pytest

from common import clock
from common.models import JobRun
from loyalty.models import (
    Activity,
    ChangedDay,
    CustomEventType,
    DeliveryRefusal,
    Refund,
    Review,
    Score,
    ScoreBucket,
)
from loyalty.services import scores
from loyalty.tests import stage
from loyalty.tests.ratings import a_member, a_policy, a_source, bought, gave_back, logged_in, mark, night, score
from members.models import CreditScore, Member

pytestmark = pytest.mark.django_db

D = dt.date
TODAY = D(2026, 3, 15)


def noon(day):
    return clock.day_start(day) + dt.timedelta(hours=12)


# The window -------------------------------------------------------------------------------------------------------


def test_a_night_counts_the_twelve_months_before_it():
    a_policy(a_source("login", 5))
    logged_in(a_member(), D(2025, 3, 14), D(2025, 3, 15), D(2026, 3, 14), D(2026, 3, 15))

    night(TODAY)

    assert (score().value, score().activity, score().counted_on) == (10, 10, TODAY)
    assert not ChangedDay.objects.exists()


def test_twelve_months_before_the_end_of_a_long_february_begin_on_its_28th():
    """E27."""
    a_policy(a_source("login", 5))
    logged_in(a_member(), D(2027, 2, 27), D(2027, 2, 28))

    night(D(2028, 2, 29))

    assert score().value == 5


# What is counted --------------------------------------------------------------------------------------------------


def test_an_orders_cash_is_rounded_down_once_and_limited_as_a_whole():
    a_policy(a_source("cash", 2, "consumption", money_unit=100, cap_order=300))
    alice = a_member()
    bought(alice, D(2026, 3, 1), {"cash": 150, "category": "books"}, {"cash": 150, "category": "toys"})
    bought(alice, D(2026, 3, 2), {"cash": 10_000, "category": "books"}, {"cash": 10_000, "category": "toys"})

    night(TODAY)

    assert score().value == 3 * 2 + 300
    assert list(ScoreBucket.objects.order_by("day", "category").values_list("category", "value")) == [
        ("books", 2), ("toys", 4), ("books", 200), ("toys", 100),
    ]  # fmt: skip


def test_a_refund_counts_on_the_day_of_the_order():
    a_policy(a_source("cash", 1, "consumption"), a_source("return", -30, "reputation"))
    alice = a_member()
    kept, returned = bought(alice, D(2026, 1, 10)), bought(alice, D(2026, 2, 10))
    night(TODAY)
    assert score().consumption == 200

    gave_back(kept, 4_000)
    gave_back(returned)
    refund = {"code": "f", "at": noon(D(2026, 3, 14)), "cash": 0, "cash_deduction": 0, "request_hash": ""}
    nothing = dict.fromkeys(("clawed_back", "forgiven", "debt", "restored", "not_restored"), 0)
    Refund.objects.create(order=returned, reason="no_reason", **refund, **nothing)
    Refund.objects.create(order=kept, reason="defect", **refund, **nothing)
    night(D(2026, 3, 16))

    assert (score().consumption, score().reputation, score().value) == (60, -30, 30)
    assert ScoreBucket.objects.get(source__kind="return").day == D(2026, 2, 10)


def test_two_orders_on_one_day_are_two_orders_and_one_shopping_day_and_a_free_one_is_neither():
    """E26, E33."""
    a_policy(a_source("order", 1, "consumption"), a_source("shopping_day", 100, "activity"))
    alice = a_member()
    bought(alice, D(2026, 3, 1))
    bought(alice, D(2026, 3, 1))
    bought(alice, D(2026, 3, 2), {"cash": 0})

    night(TODAY)

    assert (score().consumption, score().activity) == (2, 100)


def test_a_category_is_new_on_the_day_of_the_first_purchase_that_was_kept():
    a_policy(a_source("new_category", 50))
    alice = a_member()
    first = bought(alice, D(2025, 12, 1), {"category": "books"})
    bought(alice, D(2026, 2, 1), {"category": "books"}, {"category": ""})
    bought(alice, D(2026, 2, 1), {"category": "toys"})
    night(TODAY)
    assert list(ScoreBucket.objects.order_by("category").values_list("category", "day")) == [
        ("books", D(2025, 12, 1)),
        ("toys", D(2026, 2, 1)),
    ]

    gave_back(first)
    night(D(2026, 3, 16))

    assert ScoreBucket.objects.get(category="books").day == D(2026, 2, 1)


def test_reviews_count_on_their_local_day_and_photos_besides():
    a_policy(a_source("review", 20), a_source("photo_review", 30))
    alice = a_member()
    late = clock.day_start(TODAY) - dt.timedelta(seconds=1)
    Review.objects.create(code="plain", member=alice, approved_at=late)
    Review.objects.create(code="photo", member=alice, approved_at=late, photos=2)
    Review.objects.create(code="refused", member=alice, approved_at=late, refusal="too_late")
    Review.objects.create(code="gone", member=alice, approved_at=late, status=Review.Status.REMOVED)
    Review.objects.create(code="today", member=alice, approved_at=clock.day_start(TODAY))
    mark(alice, TODAY)

    night(TODAY)

    assert score().value == 20 + 20 + 30
    assert set(ScoreBucket.objects.values_list("day", flat=True)) == {D(2026, 3, 14), TODAY}


def test_activities_refusals_and_own_events_count():
    quiz = CustomEventType.objects.create(name="app.quiz", schema={"type": "object"})
    a_policy(
        a_source("login", 1),
        a_source("check_in", 10),
        a_source("share", 100),
        a_source("refusal", -7, "reputation"),
        a_source("event", 1000, event_type=quiz),
    )
    stage.send("app.quiz", "alice", noon(D(2026, 3, 1)))
    stage.send("app.quiz", "alice", noon(D(2026, 3, 1)))
    alice = Member.objects.get(external_id="alice")
    for kind in Activity.Kind.values:
        logged_in(alice, D(2026, 3, 2), kind=kind)
    order = bought(alice, D(2026, 3, 3))
    DeliveryRefusal.objects.create(member=alice, order=order, day=D(2026, 3, 3), at=noon(D(2026, 3, 3)))

    night(TODAY)

    assert (score().activity, score().reputation) == (2111, -7)


def test_state_is_read_as_it_is_and_a_change_of_it_is_noticed():
    a_policy(
        a_source("real_name", 50, "account"),
        a_source("phone", 20, "account"),
        a_source("birthday", 30, "account"),
        a_source("year", 10, "account"),
        a_source("credit", 2, "credit"),
    )
    alice = a_member(registered_at=noon(D(2024, 3, 16)), phone_verified=True)
    night(TODAY)
    assert (score().account, score().credit) == (20 + 10, 0)

    Member.objects.filter(pk=alice.pk).update(real_name_verified=True, birthday=D(1990, 1, 1))
    CreditScore.objects.create(member=alice, score=90, at=noon(D(2026, 3, 10)))
    CreditScore.objects.create(member=alice, score=95, at=noon(D(2026, 3, 16)))
    run = night(D(2026, 3, 16))

    assert (score().account, score().years, score().credit) == (50 + 20 + 30 + 20, 2, 180)
    assert run.counts == {"members": 1}
    night(D(2026, 3, 17))
    assert score().credit == 190


# Limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "value"),
    [
        ({}, 600),
        ({"cap_day": 150}, 250),
        ({"cap_month": 320}, 320),
        ({"cap_category": 250}, 250 + 250),
        ({"cap_store": 180}, 180 + 180),
        ({"cap_day": 450, "cap_category": 350, "cap_store": 290, "cap_month": 580}, 550),
    ],
)
def test_the_limits_of_a_month_leave_the_least(limits, value):
    """Two days of 500 and 100; books 350, toys 250; stores 300 and 300."""
    a_policy(a_source("cash", 1, "consumption", **limits))
    alice = a_member()
    bought(
        alice,
        D(2026, 2, 1),
        {"cash": 25_000, "category": "books", "store_code": "east"},
        {"cash": 5_000, "category": "toys", "store_code": "east"},
        {"cash": 20_000, "category": "toys", "store_code": "west"},
    )
    bought(alice, D(2026, 2, 2), {"cash": 10_000, "category": "books", "store_code": "west"})

    night(TODAY)

    assert score().value == value


def test_a_limit_a_month_bounds_each_calendar_month_and_what_takes_away_just_so():
    a_policy(a_source("login", 10, cap_month=25), a_source("share", -10, cap_month=15))
    alice = a_member()
    for kind in ("login", "share"):
        logged_in(alice, D(2026, 1, 29), D(2026, 1, 30), D(2026, 1, 31), D(2026, 2, 1), kind=kind)

    night(TODAY)

    assert score().value == 25 + 10 - 15 - 10


# Shape and weight -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "s"), [(0, 5), (1, 5), (2, 8), (3, 11), (4, 15), (5, 21), (8, 39), (9, 40), (10, 40)])
def test_a_curve_is_straight_between_its_corners_and_level_outside(days, s):
    """Rounded down once: 3 days are 5 + 2 × 10/3."""
    a_policy(a_source("login", 1), curves={"activity": [(1, 5), (4, 15), (9, 45)]}, activity=(100, 40))
    logged_in(a_member(), *[D(2026, 3, 1) + dt.timedelta(days=n) for n in range(days)])

    night(TODAY)

    assert score().value == s


def test_weights_are_rationals_and_the_score_is_rounded_down_once():
    a_policy(
        a_source("login", 1),
        a_source("phone", 1, "account"),
        a_source("share", -1, "reputation"),
        activity=(33, 100),
        account=(67, 100),
        reputation=(50, 100),
    )
    alice = a_member(phone_verified=True)
    logged_in(alice, D(2026, 3, 1))
    night(TODAY)
    assert score().value == 1

    logged_in(alice, *[D(2026, 3, n) for n in (1, 2, 3)], kind="share")
    night(D(2026, 3, 16))
    assert score().value == -1


# Nights -----------------------------------------------------------------------------------------------------------


def test_only_those_are_counted_for_whom_something_changed():
    a_policy(a_source("login", 5))
    alice, bob, charlie = a_member(), a_member("bob"), a_member("charlie")
    logged_in(alice, D(2026, 3, 1))
    logged_in(bob, D(2025, 3, 16))
    logged_in(charlie, D(2025, 6, 1))
    night(D(2026, 3, 16))
    assert [score(name).value for name in ("alice", "bob", "charlie")] == [5, 5, 5]

    logged_in(alice, D(2026, 3, 2))
    run = night(D(2026, 3, 17))

    assert run.counts == {"members": 2}
    assert [score(name).value for name in ("alice", "bob", "charlie")] == [10, 0, 5]
    assert score("charlie").counted_on == D(2026, 3, 16)


def test_a_day_enters_the_window_in_the_night_after_it_even_if_it_was_counted_before():
    a_policy(a_source("login", 5))
    logged_in(a_member(), TODAY)
    night(TODAY)
    assert score().value == 0

    night(D(2026, 3, 16))

    assert score().value == 5


def test_missed_nights_are_made_good():
    a_policy(a_source("login", 5))
    logged_in(a_member(), D(2025, 3, 20), D(2025, 4, 20), D(2026, 3, 20))
    night(TODAY)

    night(D(2026, 4, 1))

    assert score().value == 10


def test_the_same_night_twice_and_an_older_one_change_nothing():
    a_policy(a_source("login", 5))
    alice = a_member()
    logged_in(alice, D(2026, 3, 1))
    night(TODAY)

    logged_in(alice, D(2026, 3, 2))
    night(TODAY)
    night(D(2026, 3, 14))

    assert score().value == 5
    assert ChangedDay.objects.count() == 1
    night(D(2026, 3, 16))
    assert score().value == 10


def test_what_happens_while_a_night_counts_is_counted_the_next_time(monkeypatch):
    a_policy(a_source("login", 5))
    alice = a_member()
    logged_in(alice, D(2026, 3, 1))
    recount = scores.score_buckets.recount

    def meanwhile(*args, **kwargs):
        recount(*args, **kwargs)
        logged_in(alice, D(2026, 3, 2))

    monkeypatch.setattr(scores.score_buckets, "recount", meanwhile)
    night(TODAY)
    assert score().value == 5
    assert ChangedDay.objects.get().day == D(2026, 3, 2)
    monkeypatch.undo()

    night(D(2026, 3, 16))

    assert score().value == 10


def test_a_night_that_died_half_way_is_gone_on_with(monkeypatch):
    a_policy(a_source("login", 5))
    members = [a_member(name) for name in ("alice", "bob")]
    for member in members:
        logged_in(member, D(2025, 3, 15), D(2026, 3, 1))
    monkeypatch.setattr(scores.spans, "of", lambda rows, size, by: [(member.pk, member.pk) for member in members])
    write = scores._write
    monkeypatch.setattr(scores, "_write", lambda stale, night: write(stale, night) if members[0].pk in stale else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        night(TODAY)
    assert (Score.objects.count(), ChangedDay.objects.count()) == (1, 2)
    monkeypatch.setattr(scores, "_write", write)

    night(D(2026, 3, 16))

    assert [score(name).value for name in ("alice", "bob")] == [5, 5]


def test_a_new_policy_counts_everybody_anew():
    a_policy(a_source("login", 5))
    logged_in(a_member(), D(2026, 3, 1))
    logged_in(a_member("bob"), D(2026, 3, 1), kind="share")
    night(TODAY)
    newer = a_policy(a_source("share", 7), at=clock.day_start(D(2026, 3, 16)))

    run = night(D(2026, 3, 16))

    assert run.counts == {"members": 2}
    assert [score(name).value for name in ("alice", "bob")] == [0, 7]
    assert set(ScoreBucket.objects.values_list("source__policy", flat=True)) == {newer.pk}


def test_without_a_policy_nothing_is_counted_and_nothing_is_lost():
    logged_in(a_member(), D(2026, 3, 1))
    night(TODAY)
    assert not Score.objects.exists()

    a_policy(a_source("login", 5))
    night(D(2026, 3, 16))

    assert score().value == 5


def test_what_a_merged_member_did_counts_for_the_one_who_remains():
    a_policy(a_source("login", 5))
    alice, bob = a_member(), a_member("bob")
    logged_in(alice, D(2026, 3, 1))
    logged_in(bob, D(2026, 3, 1), D(2026, 3, 2))
    night(TODAY)
    Member.objects.filter(pk=bob.pk).update(status=Member.Status.MERGED, merged_into=alice)

    scores.recount([alice.pk, bob.pk])
    night(D(2026, 3, 16))

    assert score().value == 10, "a day they both logged in is one day"


def test_old_days_are_forgotten():
    a_policy(a_source("login", 5))
    logged_in(a_member(), D(2025, 1, 1), D(2025, 2, 1))
    night(TODAY)
    assert ScoreBucket.objects.count() == 2

    night(D(2026, 4, 1))

    assert [bucket.day for bucket in ScoreBucket.objects.all()] == [D(2025, 2, 1)]


def test_a_count_from_nothing_repairs_what_was_counted_wrongly():
    a_policy(a_source("login", 5))
    logged_in(a_member(), D(2026, 3, 1))
    night(TODAY)
    ScoreBucket.objects.update(value=99)
    Score.objects.update(value=99)

    night(TODAY, anew=True)

    assert score().value == 5
    assert JobRun.objects.filter(status="done").count() == 2
