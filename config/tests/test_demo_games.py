"""The demo's games keep the rules of games, and their draws hold."""

import pytest
from django.core.management import call_command

from config.demo import catalogue, games, staff
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import NOON, give
from rewards.models import GameVersion, Play

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db):
    catalogue.open_stores()
    staff.hire()
    return staff.find("olivia"), staff.find("felix"), NOON


def test_all_four_games_are_in_force(house):
    games.set_up(*house)
    games.set_up(*house)
    assert GameVersion.objects.filter(status="active").count() == len(games.GAMES) == 4


def test_members_with_points_play_once_and_every_draw_holds(house, capsys):
    games.set_up(*house)
    give(1000, at=NOON)
    give(25, "bob", at=NOON)
    for _run in range(2):
        games.play(["alice", "bob"], NOON)
    played = Play.objects.order_by("pk").values_list("member__external_id", "game__code")
    assert list(played)[:4] == [("alice", code) for code in games.GAMES]
    assert ("bob", "scratch-card") not in played
    call_command("verify_plays")
    assert_proven()
