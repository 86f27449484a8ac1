import datetime as dt

import pytest

from common.models import Fact
from loyalty.services import expiring, sliding
from loyalty.tests import cast
from loyalty.tests.cast import DAY

pytestmark = pytest.mark.django_db

MORNING = dt.datetime(2026, 3, 1, 1, 0, tzinfo=dt.UTC)  # 2026-03-01 09:00 in Shanghai
END_OF_MARCH_11 = dt.datetime(2026, 3, 11, 16, 0, tzinfo=dt.UTC)


def sliding_lot(account, points=30, *, expires_at=MORNING + DAY):
    return cast.grant(account, points, expires_at=expires_at, sliding_days=10)


def test_activity_moves_the_expiry_to_so_many_days_from_now():
    alice = cast.account("alice")
    lot = sliding_lot(alice)

    assert sliding.extend([alice.pk], MORNING) == 1

    lot.refresh_from_db()
    assert lot.expires_at == END_OF_MARCH_11


def test_every_move_is_recorded_as_a_fact():
    alice = cast.account("alice")
    sliding_lot(alice, 30)
    sliding_lot(alice, 12, expires_at=MORNING + 2 * DAY)

    sliding.extend([alice.pk], MORNING)

    fact = Fact.objects.get(topic="points.extended")
    assert (fact.key, fact.payload) == ("alice", {"points": 42, "on": "2026-03-11"})


def test_a_second_activity_of_the_day_moves_nothing():
    alice = cast.account("alice")
    sliding_lot(alice)
    sliding.extend([alice.pk], MORNING)

    assert sliding.extend([alice.pk], MORNING + DAY / 4) == 0
    assert Fact.objects.count() == 1


def test_an_activity_that_is_told_late_does_not_shorten_anything():
    alice = cast.account("alice")
    sliding_lot(alice)
    sliding.extend([alice.pk], MORNING)

    assert sliding.extend([alice.pk], MORNING - 5 * DAY) == 0


def test_points_that_had_expired_do_not_come_back_to_life():
    alice = cast.account("alice")
    lot = sliding_lot(alice, expires_at=MORNING)

    assert sliding.extend([alice.pk], MORNING) == 0
    expiring.expire(MORNING, MORNING)

    lot.refresh_from_db()
    assert not lot.is_open


def test_points_of_other_members_and_with_other_expiry_stay_as_they_are():
    alice, bob = cast.account("alice"), cast.account("bob")
    lots = [cast.grant(alice, 30, expires_at=MORNING + DAY), sliding_lot(bob)]

    assert sliding.extend([alice.pk], MORNING) == 0
    assert {lot.expires_at for lot in lots} == {MORNING + DAY}


def test_the_moved_points_expire_at_the_new_time():
    alice = cast.account("alice")
    sliding_lot(alice)
    sliding.extend([alice.pk], MORNING)

    expiring.expire(MORNING + 2 * DAY, MORNING + 2 * DAY)
    assert cast.balances(alice) == (30, 0, 0, 0)

    expiring.expire(END_OF_MARCH_11, END_OF_MARCH_11)
    assert cast.balances(alice) == (0, 0, 0, 0)
