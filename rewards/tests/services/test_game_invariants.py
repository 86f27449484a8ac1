"""Each invariant of games turns red when its rows are tampered with."""

from __future__ import annotations

import pytest
from django.db import connection

from loyalty.services import invariants, proof
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import give
from rewards.services import lotteries
from rewards.services.invariants import games
from rewards.tests.arcade import a_game, a_lottery, play, rig
from rewards.tests.services.test_lotteries import DRAW, PRIZES, sell

pytestmark = pytest.mark.django_db

TAMPERED = [
    (games.PLAYS_MOVE_THEIR_POINTS, "UPDATE rewards_play SET stake = stake + 1"),
    (games.PLAYS_MOVE_THEIR_POINTS, "UPDATE rewards_play SET prize_id = NULL WHERE number IS NOT NULL"),
    (games.PLAYS_MOVE_THEIR_POINTS, "UPDATE rewards_outcome SET settled_at = NULL"),
    (games.PLAYS_MOVE_THEIR_POINTS, "DELETE FROM rewards_outcome WHERE place = 3"),
    (games.PRIZES_LEAVE_THE_STOCK, "UPDATE rewards_prize SET remaining = remaining - 1 WHERE remaining > 0"),
    (games.PRIZES_LEAVE_THE_STOCK, "UPDATE rewards_prize SET stock = 0, remaining = 0 WHERE weight = 0"),
    (games.DAYS_GIVE_WHAT_PLAYS_WON, "UPDATE rewards_gameday SET value = value + 1"),
    (games.DAYS_GIVE_WHAT_PLAYS_WON, "UPDATE rewards_gameversion SET daily_budget = 1 WHERE daily_budget > 1"),
    (
        games.TICKETS_HAVE_NO_GAP,
        "UPDATE rewards_gameversion SET tickets_sold = tickets_sold + 1 WHERE tickets_most > 0",
    ),
    (games.TICKETS_HAVE_NO_GAP, "UPDATE rewards_play SET ticket = 77 WHERE ticket = 2"),
]


@pytest.mark.parametrize(("invariant", "tampering"), TAMPERED)
def test_an_invariant_is_green_and_turns_red(invariant, tampering):
    assert invariant in invariants.ALL
    version = a_game(prizes=[{"kind": "points", "points": 20, "weight": 100, "stock": 5}], daily_budget=100)
    give(100)
    for nonce in (1, 2):
        rig(version, 1, nonce=nonce)
        play()
    lottery = a_lottery(least=7, prizes=PRIZES)
    sell(*"abcdefgh")
    lotteries.draw(lottery, DRAW)
    assert_proven([invariant])
    lotteries.settle(DRAW, DRAW)
    assert_proven()
    with connection.cursor() as cursor:
        cursor.execute(tampering)
    assert proof.check(invariant).offenders


def test_a_lottery_that_was_called_off_is_proven():
    lottery = a_lottery(least=3)
    sell("alice", "bob")
    lotteries.draw(lottery, DRAW)
    assert_proven()
    lotteries.settle(DRAW, DRAW)
    assert_proven()


def test_every_invariant_of_games_is_tampered_with():
    mine = {value for value in vars(games).values() if isinstance(value, type(games.TICKETS_HAVE_NO_GAP))}
    assert {invariant for invariant, _tampering in TAMPERED} == mine
