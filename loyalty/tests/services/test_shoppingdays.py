"""The bonus for shopping days (domain.md F1; E18, E25, E26, E33)."""

from __future__ import annotations

import datetime as dt

import pytest

from common import clock
from loyalty.models import GrowthEntry, Standing
from loyalty.services import shoppingdays, transfers
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import a_growth_policy, a_ladder, event, line, order, send, send_all, standing
from members.models import Member
from members.services import members

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _jd():
    a_ladder()
    a_growth_policy()


def shop(
    day: int, code: str = "", *, hour: int = 12, subject: str = "alice", month: int = 3, cash: int = 50_00
) -> None:
    at = clock.day_start(dt.date(2026, month, day)) + dt.timedelta(hours=hour)
    send("order.completed", subject, at, **order(code or f"{subject}-{month}-{day}-{hour}", line(1, cash)))


def pay(month: int = 4, day: int = 10):
    at = clock.day_start(dt.date(2026, month, day))
    return shoppingdays.pay(at, at)


def bonuses(subject: str = "alice") -> int:
    return GrowthEntry.objects.filter(member__external_id=subject, kind=GrowthEntry.Kind.DAYS).count()


def test_three_days_earn_a_hundred_on_the_tenth():
    for day in (1, 15, 31):
        shop(day)
    assert pay(day=9).counts == {}
    assert bonuses() == 0
    assert pay().counts == {"bonuses": 1}
    assert standing().whole_growth == 250
    entry = GrowthEntry.objects.get(kind=GrowthEntry.Kind.DAYS)
    assert (entry.criterion, entry.occurred_on) == ("frequency", dt.date(2026, 4, 10))
    assert_proven()


def test_the_coefficient_multiplies_the_bonus():
    for day in (1, 15, 31):
        shop(day)
    Standing.objects.update(coefficient_percent=120)
    pay()
    assert GrowthEntry.objects.get(kind=GrowthEntry.Kind.DAYS).delta == 120_00


def test_two_orders_of_one_day_are_one_day():
    shop(1)
    shop(1, hour=18)
    shop(2)
    pay()
    assert bonuses() == 0


def test_days_are_local_days_of_the_completion():
    # 23:59 of March 31st in Shanghai and the first minute of April 1st.
    shop(1)
    shop(2)
    at = clock.day_start(dt.date(2026, 4, 1))
    send("order.completed", "alice", at, **order("april", line(1, 50_00)))
    pay()
    assert bonuses() == 0
    send("order.completed", "bob", at - dt.timedelta(milliseconds=1), **order("march", line(1, 50_00)))
    assert Standing.objects.filter(member__external_id="bob").exists()


def test_an_order_that_gives_no_growth_makes_no_day():
    shop(1)
    shop(2)
    shop(3, cash=10_00)
    pay()
    assert bonuses() == 0


def test_a_month_is_paid_once_however_often_and_late_the_job_runs():
    for day in (1, 15, 31):
        shop(day)
    pay(day=25)
    pay(day=25)
    pay(day=26)
    assert bonuses() == 1
    assert pay(month=5).counts == {}


def test_a_refund_that_takes_a_day_away_takes_the_bonus_back():
    for day in (1, 15, 31):
        shop(day)
    pay()
    at = clock.day_start(dt.date(2026, 4, 20))
    answer = send("order.cancelled", at=at, order="alice-3-15-12")
    assert answer["effects"]["growth"] == {"reversed": 150}
    again = send("order.cancelled", at=at, order="alice-3-31-12")
    assert again["effects"]["growth"] == {"reversed": 50}
    assert standing().whole_growth == 50
    assert_proven()


def test_a_refund_that_leaves_enough_days_leaves_the_bonus():
    for day in (1, 2, 3, 4):
        shop(day)
    shop(4, hour=20)
    pay()
    at = clock.day_start(dt.date(2026, 4, 20))
    for code in ("alice-3-1-12", "alice-3-4-12"):
        assert send("order.cancelled", at=at, order=code)["effects"]["growth"] == {"reversed": 50}
    assert bonuses() == 1
    assert standing().whole_growth == 250


def test_two_refunds_in_one_batch_take_the_bonus_back_once():
    for day in (1, 2, 3):
        shop(day)
    pay()
    at = clock.day_start(dt.date(2026, 4, 20))
    answers = send_all([event("order.cancelled", "alice", at, order=f"alice-3-{day}-12") for day in (1, 2)], at)
    assert [a["effects"]["growth"]["reversed"] for a in answers] == [150, 50]
    assert_proven()


def test_a_late_order_in_the_batch_of_a_refund_makes_a_day():
    for day in (1, 2, 3):
        shop(day)
    pay()
    at = clock.day_start(dt.date(2026, 4, 20))
    told = [
        event("order.completed", "alice", clock.day_start(dt.date(2026, 3, 9)), **order("late", line(1, 50_00))),
        event("order.cancelled", "alice", at, order="alice-3-1-12"),
    ]
    assert send_all(told, at)[1]["effects"]["growth"] == {"reversed": 50}


def test_an_order_from_before_a_merge_does_not_cost_the_other_one_the_bonus():
    for day in (1, 2, 3):
        shop(day, subject="bob")
    shop(1)
    pay()
    at = clock.day_start(dt.date(2026, 4, 20))
    members.merge("alice", "bob", at)
    transfers.merge(Member.objects.get(external_id="alice"), Member.objects.get(external_id="bob"), at)
    assert send("order.cancelled", "bob", at, order="alice-3-1-12")["effects"]["growth"] == {"reversed": 50}
