import pytest

from common.models import Fact
from loyalty.models import Lot
from loyalty.services import maturing
from loyalty.tests import cast
from loyalty.tests.cast import DAY, NOON

pytestmark = pytest.mark.django_db

LATER = NOON + 300 * DAY


def test_points_become_available_when_their_time_has_come():
    alice = cast.account("alice")
    cast.grant(alice, 30, expires_at=LATER, available_at=NOON)
    cast.grant(alice, 12, expires_at=LATER, available_at=NOON + DAY)

    run = maturing.mature(NOON, NOON)

    assert cast.balances(alice) == (30, 12, 0, 0)
    assert cast.entries(alice, after=2) == [
        (3, "pending", "mature", -30, 12, "points"),
        (4, "points", "mature", 30, 30, "pending"),
    ]
    assert cast.draws(alice) == []
    assert run.counts == {"matured": 30}


def test_a_debt_is_repaid_from_what_became_available():
    alice = cast.account("alice")
    cast.grant(alice, 30, expires_at=LATER, available_at=NOON)
    cast.owe(alice, 45, at=NOON - DAY)

    run = maturing.mature(NOON, NOON)

    assert cast.balances(alice) == (0, 0, 0, 15)
    assert cast.entries(alice, after=4) == [
        (5, "points", "repay", -30, 0, "debt"),
        (6, "debt", "repay", -30, 15, "points"),
    ]
    assert cast.draws(alice) == [(5, 1, 30)]
    assert run.counts == {"matured": 30, "repaid": 30}


def test_pending_points_that_expired_meanwhile_expire_and_repay_nothing():
    alice = cast.account("alice")
    cast.grant(alice, 30, expires_at=NOON, available_at=NOON - DAY)
    cast.owe(alice, 45, at=NOON - 2 * DAY)

    maturing.mature(NOON, NOON)

    assert cast.balances(alice) == (0, 0, 0, 45)
    assert Fact.objects.get(topic="points.expired").payload["points"] == 30


def test_running_it_twice_changes_nothing():
    alice = cast.account("alice")
    cast.grant(alice, 30, expires_at=LATER, available_at=NOON)
    maturing.mature(NOON, NOON)
    before = cast.entries(alice)

    maturing.mature(NOON, NOON)
    maturing.mature(NOON + DAY, NOON + DAY)

    assert cast.entries(alice) == before
    assert not Lot.objects.filter(is_pending=True).exists()


def test_missed_hours_are_made_good():
    alice = cast.account("alice")
    cast.grant(alice, 30, expires_at=LATER, available_at=NOON - 9 * DAY)

    maturing.mature(NOON, NOON)

    assert cast.balances(alice) == (30, 0, 0, 0)
