import datetime as dt

import pytest

from common.problems import InvalidInput
from common.services.audit import Actor
from loyalty.models import Adjustment, Lot
from loyalty.selectors import programme
from loyalty.services import adjustments, expiring, rescue
from loyalty.tests import cast
from loyalty.tests.cast import DAY

pytestmark = pytest.mark.django_db

MORNING = dt.datetime(2026, 3, 1, 1, 0, tzinfo=dt.UTC)  # 09:00 in Shanghai
BOB = Actor("bob")


@pytest.fixture(autouse=True)
def _a_week():
    settings = programme.current()
    settings.rescue_days = 7
    settings.save()


@pytest.fixture
def alice():
    account = cast.account("alice")
    lose(account, 30, MORNING)
    return account


def lose(account, points, at):
    cast.grant(account, points, expires_at=at)
    expiring.expire(at, at)


def give_back(account, points=None, *, at=MORNING + DAY, reason="she was in hospital"):
    return rescue.give_back(account, points, reason=reason, actor=BOB, at=at)


def test_expired_points_come_back_for_as_long_as_the_window(alice):
    adjustment = give_back(alice)

    assert cast.balances(alice) == (30, 0, 0, 0)
    assert (adjustment.points, adjustment.category, adjustment.actor_label) == (30, Adjustment.Category.RESCUE, "bob")
    lot = Lot.objects.get(account=alice, is_open=True)
    assert lot.expires_at == dt.datetime(2026, 3, 9, 16, 0, tzinfo=dt.UTC)


def test_a_part_can_be_given_back_and_the_rest_later(alice):
    give_back(alice, 12)

    assert rescue.rescuable(alice, MORNING + DAY) == 18
    give_back(alice)
    assert cast.balances(alice) == (30, 0, 0, 0)


@pytest.mark.parametrize("points", [31, 0, -5])
def test_no_more_than_was_lost_is_given_back(alice, points):
    with pytest.raises(rescue.NothingToRescue):
        give_back(alice, points)

    assert cast.balances(alice) == (0, 0, 0, 0)


def test_points_are_given_back_once(alice):
    give_back(alice)

    with pytest.raises(rescue.NothingToRescue):
        give_back(alice)


def test_the_window_closes(alice):
    with pytest.raises(rescue.NothingToRescue):
        give_back(alice, at=MORNING + 7 * DAY)


def test_without_a_window_nothing_comes_back(alice):
    settings = programme.current()
    settings.rescue_days = 0
    settings.save()

    with pytest.raises(rescue.NothingToRescue):
        give_back(alice, at=MORNING)


def test_an_earlier_rescue_does_not_count_against_points_that_expire_later(alice):
    give_back(alice, at=MORNING + DAY)
    lose(alice, 50, MORNING + 7 * DAY)

    assert rescue.rescuable(alice, MORNING + 7 * DAY) == 50


def test_a_rescue_that_was_reversed_can_be_made_again(alice):
    adjustment = give_back(alice)
    adjustments.reverse(adjustment, reason="wrong member", actor=BOB, at=MORNING + DAY)

    assert rescue.rescuable(alice, MORNING + DAY) == 30


def test_a_rescue_needs_a_reason(alice):
    with pytest.raises(InvalidInput):
        give_back(alice, reason=" ")
