import pytest

from loyalty.tests.stage import DAY, NOON, give
from rewards.services import games, seeds
from rewards.tests.arcade import a_game, a_lottery, new_seed, person, play

pytestmark = pytest.mark.django_db


def test_yesterdays_seed_is_revealed_and_a_new_one_committed_to():
    version = a_game(at=NOON - DAY)
    assert seeds.rotate(NOON, NOON, new_seed) == 1
    newest, oldest = version.seed_periods.all()
    assert (oldest.closed_at, newest.opened_at, newest.closed_at) == (NOON, NOON, None)
    assert newest.commitment != oldest.commitment


def test_a_second_run_of_the_night_changes_nothing():
    a_game(at=NOON - DAY)
    assert [seeds.rotate(NOON, NOON, new_seed) for _run in range(2)] == [1, 0]


def test_a_game_that_is_over_reveals_its_last_seed_and_commits_to_none():
    version = a_game()
    assert seeds.rotate(NOON + 40 * DAY, NOON + 40 * DAY, new_seed) == 1
    assert version.seed_periods.get().revealed_seed
    assert seeds.rotate(NOON + 41 * DAY, NOON + 41 * DAY, new_seed) == 0


def test_a_lotterys_seed_stays_until_the_draw():
    version = a_lottery()
    assert seeds.rotate(NOON + DAY, NOON + DAY, new_seed) == 0
    with pytest.raises(seeds.LotterySeedStays):
        seeds.change(version, person("olivia"), NOON, new_seed)


def test_a_game_that_is_stopped_has_no_seed_to_change():
    version = a_game()
    games.stop(version, person("olivia"), NOON)
    with pytest.raises(seeds.NoOpenSeed):
        seeds.change(version, person("olivia"), NOON, new_seed)


def test_a_members_plays_are_counted_anew_with_each_seed():
    version = a_game()
    give(100)
    numbers = [play().nonce, play().nonce]
    seeds.change(version, person("olivia"), NOON, new_seed)
    assert [*numbers, play().nonce] == [1, 2, 1]
