import pytest

from common.models import Fact
from loyalty.models import Hold
from loyalty.services import lapsing
from loyalty.tests import cast
from loyalty.tests.cast import DAY, NOON

pytestmark = pytest.mark.django_db


def test_a_hold_past_its_time_gives_the_points_back_to_their_lots():
    alice = cast.account("alice")
    cast.grant(alice, 30, expires_at=NOON + 9 * DAY)
    cast.grant(alice, 50, expires_at=NOON + 5 * DAY)
    held = cast.hold(alice, 60, expires_at=NOON + DAY)
    assert cast.draws(alice) == [(3, 1, 10), (3, 2, 50)]

    run = lapsing.lapse(NOON + DAY, NOON + DAY)

    assert cast.balances(alice) == (80, 0, 0, 0)
    assert cast.entries(alice, after=4) == [
        (5, "held", "release", -60, 0, "points"),
        (6, "points", "release", 60, 80, "held"),
    ]
    assert cast.draws(alice, after=4) == [(6, 1, -10), (6, 2, -50)]
    held.refresh_from_db()
    assert (held.status, held.closed_at) == (Hold.Status.LAPSED, NOON + DAY)
    assert run.counts == {"lapsed": 60}


def test_the_member_is_told_that_the_hold_lapsed():
    alice = cast.account("alice")
    cast.grant(alice, 30, expires_at=NOON + 9 * DAY)
    held = cast.hold(alice, 20, expires_at=NOON + DAY)

    lapsing.lapse(NOON + DAY, NOON + DAY)

    fact = Fact.objects.get(topic="hold.lapsed")
    assert (fact.key, fact.payload) == ("alice", {"hold": str(held.uuid), "points": 20})


def test_points_whose_lot_expired_while_they_were_held_expire_then():
    alice = cast.account("alice")
    cast.grant(alice, 30, expires_at=NOON + DAY)
    cast.grant(alice, 50, expires_at=NOON + 9 * DAY)
    cast.hold(alice, 40, expires_at=NOON + 2 * DAY)

    run = lapsing.lapse(NOON + 2 * DAY, NOON + 2 * DAY)

    assert cast.balances(alice) == (50, 0, 0, 0)
    assert run.counts == {"lapsed": 40, "expired": 30}
    assert Fact.objects.get(topic="points.expired").payload["points"] == 30


def test_a_hold_is_good_until_its_very_last_instant():
    alice = cast.account("alice")
    cast.grant(alice, 30, expires_at=NOON + 9 * DAY)
    cast.hold(alice, 20, expires_at=NOON + DAY)

    lapsing.lapse(NOON + DAY - DAY.resolution, NOON + DAY - DAY.resolution)

    assert cast.balances(alice) == (10, 0, 20, 0)


def test_running_it_twice_changes_nothing():
    alice = cast.account("alice")
    cast.grant(alice, 30, expires_at=NOON + 9 * DAY)
    cast.hold(alice, 20, expires_at=NOON + DAY)
    lapsing.lapse(NOON + DAY, NOON + DAY)
    before = cast.entries(alice)

    lapsing.lapse(NOON + DAY, NOON + DAY)
    lapsing.lapse(NOON + 2 * DAY, NOON + 2 * DAY)

    assert cast.entries(alice) == before
    assert Fact.objects.filter(topic="hold.lapsed").count() == 1
