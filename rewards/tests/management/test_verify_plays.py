from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from loyalty.tests.stage import give
from rewards.models import Outcome, SeedPeriod
from rewards.services import lotteries
from rewards.tests.arcade import a_game, a_lottery, play
from rewards.tests.services.test_lotteries import DRAW, PRIZES, sell

pytestmark = pytest.mark.django_db


@pytest.fixture
def played(db):
    """Three plays and a lottery that was drawn."""
    a_game()
    give(100)
    for _play in range(3):
        play()
    lottery = a_lottery(least=7, prizes=PRIZES)
    sell(*"abcdefgh")
    lotteries.draw(lottery, DRAW)


def verify(**options):
    said, complained = StringIO(), StringIO()
    call_command("verify_plays", stdout=said, stderr=complained, **options)
    return said.getvalue()


def test_every_draw_that_holds_is_counted(played):
    assert verify() == "4 draws hold.\n"
    assert verify(game="joy") == "3 draws hold.\n"


def test_draws_that_do_not_hold_are_an_error(played):
    SeedPeriod.objects.filter(version__game__code="joy").update(server_seed="0" * 64)
    with pytest.raises(CommandError, match="3 of 4 draws do not hold"):
        verify()
    assert verify(game="lottery") == "1 draws hold.\n"


def test_a_winner_who_was_exchanged_is_an_error(played):
    Outcome.objects.filter(place=1).update(number=99)
    with pytest.raises(CommandError, match="1 of 1 draws do not hold"):
        verify(game="lottery")


def test_a_game_that_does_not_exist_is_an_error(db):
    with pytest.raises(CommandError, match="no game sorrow"):
        verify(game="sorrow")
