"""Many at once on a real PostgreSQL: a stake buys one play, a prize is won once, a ticket number is sold once."""

from collections import Counter

import pytest
from django.db import connection

from loyalty.services.ledger import InsufficientPoints
from loyalty.tests.proven import assert_proven
from loyalty.tests.services.test_races import at_once
from loyalty.tests.stage import NOON, balance, give
from rewards.models import GameDay, Play, Prize, PrizeClaim
from rewards.services import lotteries, plays, seeds
from rewards.tests.arcade import a_game, a_lottery, new_seed, person, play
from rewards.tests.services.test_lotteries import DRAW

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

SURE = {"kind": "gift", "name": "Mug", "price": 8, "weight": 1000, "stock": 1}
CENT = {"kind": "points", "name": "1 point", "points": 1, "weight": 1, "is_fallback": True}


def test_two_plays_with_the_last_stake_are_one_play():
    a_game(prizes=[(1, 1)])
    give(10)
    answers = at_once(*[lambda: play(client_seed="mine")] * 8)
    assert Counter(type(answer).__name__ for answer in answers) == {"Play": 1, "InsufficientPoints": 7}
    assert all(isinstance(answer, Play | InsufficientPoints) for answer in answers)
    assert Play.objects.count() == 1
    assert_proven()


def test_the_same_key_at_once_is_one_play():
    a_game()
    give(1000)
    answers = at_once(*[lambda: play(client_seed="mine", key="k")] * 8)
    assert len({answer.pk for answer in answers}) == 1
    assert Play.objects.count() == 1
    assert_proven()


def test_the_last_prize_in_stock_is_won_once():
    version = a_game(prizes=[{**SURE, "weight": 999}, CENT], cost_cap_percent=100)
    names = [f"m-{number}" for number in range(12)]
    for name in names:
        give(10, name)
    answers = at_once(*[lambda name=name: play(subject=name) for name in names])
    assert all(isinstance(answer, Play) for answer in answers), answers
    won = Play.objects.filter(prize__name="Mug")
    assert (won.count(), PrizeClaim.objects.count()) == (1, 1)
    assert Prize.objects.get(version=version, name="Mug").remaining == 0
    assert [plays.verify(one) for one in Play.objects.all()] == [[]] * 12
    assert_proven()


def test_plays_at_once_never_exceed_the_days_budget():
    a_game(prizes=[{**SURE, "weight": 1000, "stock": None}], daily_budget=40, cost_cap_percent=100)
    names = [f"m-{number}" for number in range(12)]
    for name in names:
        give(10, name)
    answers = at_once(*[lambda name=name: play(subject=name) for name in names])
    assert Counter(type(answer).__name__ for answer in answers) == {"Play": 5, "BudgetSpent": 7}
    assert GameDay.objects.get().value == 40
    assert sorted(balance(name).available for name in names) == [0] * 5 + [10] * 7


def test_tickets_sold_at_once_have_numbers_without_a_gap():
    a_lottery(least=2, most=6)
    names = [f"m-{number}" for number in range(10)]
    for name in names:
        give(10, name)
    answers = at_once(*[lambda name=name: play("lottery", name) for name in names])
    assert Counter(type(answer).__name__ for answer in answers) == {"Play": 6, "NotPlayable": 4}
    assert list(Play.objects.order_by("ticket").values_list("ticket", flat=True)) == [1, 2, 3, 4, 5, 6]


def test_a_lottery_that_is_drawn_by_many_at_once_is_drawn_and_paid_once():
    version = a_lottery(least=4, prizes=[{"kind": "points", "points": 10, "stock": 3}])
    for number in range(6):
        give(10, f"m-{number}")
        play("lottery", f"m-{number}")

    def work():
        lotteries.draw(version, DRAW)
        lotteries.settle(DRAW, DRAW)
        connection.close()

    answers = at_once(*[work] * 4)
    assert answers == [None] * 4
    assert sorted(balance(f"m-{number}", DRAW).available for number in range(6)) == [0, 0, 0, 10, 10, 10]
    assert lotteries.verify(version.game.versions.get()) == []
    assert_proven()


def test_plays_while_the_seed_changes_all_hold():
    version = a_game()
    names = [f"m-{number}" for number in range(8)]
    for name in names:
        give(10, name)

    def change():
        seeds.change(version, person("olivia"), NOON, new_seed)

    answers = at_once(change, *[lambda name=name: play(subject=name) for name in names], change)
    assert {type(answer).__name__ for answer in answers} <= {"Play", "NoneType", "OddsChanged"}
    assert [fault for one in Play.objects.all() for fault in plays.verify(one)] == []
    assert_proven()
