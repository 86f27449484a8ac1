"""The doors read the clock and make one call."""

import datetime as dt
from unittest import mock

import pytest

from common.models import JobRun
from loyalty.tests.stage import balance, give
from rewards import tasks
from rewards.models import Outcome
from rewards.tests.arcade import a_game, a_lottery, play
from rewards.tests.services.test_lotteries import DRAW, TEN

pytestmark = pytest.mark.django_db

MIDNIGHT = dt.datetime(2026, 3, 1, 16, 0, tzinfo=dt.UTC)  # in Shanghai


def at(now, task):
    with mock.patch("rewards.tasks.timezone.now", return_value=now):
        task()


def test_seeds_of_the_day_before_are_revealed_after_midnight_and_only_then():
    version = a_game(at=MIDNIGHT - dt.timedelta(hours=1))
    at(MIDNIGHT - dt.timedelta(minutes=1), tasks.change_seeds)
    assert version.seed_periods.count() == 1
    at(MIDNIGHT + dt.timedelta(minutes=2), tasks.change_seeds)
    at(MIDNIGHT + dt.timedelta(minutes=3), tasks.change_seeds)
    assert version.seed_periods.count() == 2


def test_a_lottery_is_drawn_and_paid_when_its_time_has_come():
    a_lottery(least=1, prizes=TEN)
    give(10)
    play("lottery")
    at(DRAW - dt.timedelta(minutes=1), tasks.draw_lotteries)
    assert not Outcome.objects.exists()
    assert not JobRun.objects.exists()
    at(DRAW + dt.timedelta(seconds=30), tasks.draw_lotteries)
    assert balance(at=DRAW + dt.timedelta(minutes=1)).available == 10
    assert JobRun.objects.get().counts == {"tickets": 1, "paid": 10, "returned": 0}
    at(DRAW + dt.timedelta(minutes=1), tasks.draw_lotteries)
    assert JobRun.objects.count() == 1
