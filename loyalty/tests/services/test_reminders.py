import datetime as dt

import pytest

from common.models import Fact
from loyalty.models import Account
from loyalty.selectors import programme
from loyalty.services import reminders
from loyalty.tests import cast
from loyalty.tests.cast import DAY

pytestmark = pytest.mark.django_db

TONIGHT = dt.datetime(2026, 2, 28, 16, 0, tzinfo=dt.UTC)  # 2026-03-01 00:00 in Shanghai


@pytest.fixture(autouse=True)
def _seven_days_and_one():
    settings = programme.current()
    settings.reminder_days = [7, 1]
    settings.save()


def told(after=None):
    facts = Fact.objects.filter(topic="points.expiring")
    if after:
        facts = facts.filter(at__gt=after)
    return [(f.key, f.payload["points"], f.payload["on"], f.payload["days"]) for f in facts.order_by("id")]


def good_until(day):
    """The expiry of points that are good to the end of a day of March 2026."""
    return TONIGHT + day * DAY


def test_a_member_is_told_so_many_days_before_the_last_day():
    alice = cast.account("alice")
    cast.grant(alice, 30, expires_at=good_until(8))
    cast.grant(alice, 12, expires_at=good_until(8), available_at=TONIGHT + DAY)
    cast.grant(alice, 99, expires_at=good_until(9))

    run = reminders.remind(TONIGHT, TONIGHT)

    assert told() == [("alice", 42, "2026-03-08", 7)]
    assert run.counts == {"reminders": 1}


def test_the_same_run_twice_tells_nobody_twice():
    cast.grant(cast.account("alice"), 30, expires_at=good_until(8))

    reminders.remind(TONIGHT, TONIGHT)
    reminders.remind(TONIGHT, TONIGHT + DAY)
    reminders.remind(TONIGHT + DAY / 4, TONIGHT + DAY / 4)

    assert len(told()) == 1


def test_every_distance_is_announced_once_as_the_nights_pass():
    cast.grant(cast.account("alice"), 30, expires_at=good_until(8))

    for night in range(10):
        reminders.remind(TONIGHT + night * DAY, TONIGHT + night * DAY)

    assert [days for _, _, _, days in told()] == [7, 1]


def test_a_missed_night_is_made_good_with_the_days_that_are_left():
    cast.grant(cast.account("alice"), 30, expires_at=good_until(10))
    reminders.remind(TONIGHT, TONIGHT)

    reminders.remind(TONIGHT + 4 * DAY, TONIGHT + 4 * DAY)

    assert told() == [("alice", 30, "2026-03-10", 5)]


def test_spent_and_expired_points_are_not_announced():
    alice = cast.account("alice")
    cast.grant(alice, 30, expires_at=good_until(8))
    cast.hold(alice, 30, expires_at=TONIGHT + DAY, at=TONIGHT - DAY)
    reminders.remind(TONIGHT - 9 * DAY, TONIGHT - 9 * DAY)
    cast.grant(cast.account("bob"), 10, expires_at=TONIGHT)

    reminders.remind(TONIGHT, TONIGHT)

    assert told() == []


def test_nobody_is_told_of_a_purse():
    purse = Account.objects.create(kind=Account.Kind.PURSE)
    cast.grant(purse, 30, expires_at=good_until(8))

    reminders.remind(TONIGHT, TONIGHT)

    assert told() == []


def test_a_programme_without_reminders_tells_nobody():
    settings = programme.current()
    settings.reminder_days = []
    settings.save()
    cast.grant(cast.account("alice"), 30, expires_at=good_until(8))

    reminders.remind(TONIGHT, TONIGHT)

    assert told() == []
