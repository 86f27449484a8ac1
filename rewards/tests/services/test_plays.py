import datetime as dt
from unittest import mock

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common import clock
from common.models import Fact
from common.problems import NotFound
from loyalty.models import Entry, Lot
from loyalty.services.ledger import Book, InsufficientPoints
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON, balance, give
from rewards.models import GameDay, Play, Prize, PrizeClaim
from rewards.services import draws, games, plays, seeds
from rewards.tests.arcade import a_draft, a_game, new_seed, person, play, rig

pytestmark = pytest.mark.django_db

MUG = {"kind": "gift", "name": "Mug", "price": 20, "weight": 100}
THANKS = {"kind": "points", "name": "1 point", "points": 1, "weight": 100, "is_fallback": True}


def codes(refused):
    return [reason["code"] for reason in refused.value.extra["reasons"]]


def test_a_play_takes_the_stake_and_pays_the_prize_that_the_number_falls_on():
    version = a_game()
    give(100)
    rig(version, 3)
    won = play()
    assert (won.drawn, won.prize, won.value) == (won.drawn, won.drawn, 20)
    assert won.prize.points == 20
    assert balance().available == 100 - 10 + 20
    moves = list(
        Entry.objects.filter(reference=f"game:{won.uuid}").order_by("seq").values_list("kind", "delta", "contra")
    )
    assert moves == [("redeem", -10, "redeemed"), ("earn", 20, "issued")]
    assert_proven()


def test_who_wins_nothing_has_paid_the_stake():
    version = a_game()
    give(100)
    rig(version, None)
    lost = play()
    assert (lost.prize, lost.drawn, lost.value, balance().available) == (None, None, 0, 90)
    assert plays.verify(lost) == []


def test_facts_tell_of_the_play_and_of_what_it_won():
    version = a_game()
    give(100)
    rig(version, 2)
    won = play()
    facts = {fact.topic: fact for fact in Fact.objects.filter(topic__startswith="game.")}
    assert facts["game.played"].payload["prize"] == "200 points"
    assert facts["game.prize_won"].payload["points"] == 200
    assert {fact.key for fact in facts.values()} == {"alice"}
    spent = Fact.objects.get(topic="points.spent").payload
    assert (spent["points"], spent["reference"]) == (10, f"game:{won.uuid}")


def test_the_same_key_gives_the_same_prize_and_takes_no_second_stake():
    a_game()
    give(10)
    first = play(key="k", client_seed="mine")
    after = balance().available
    again = play(key="k", client_seed="mine")
    assert again == first
    assert (Play.objects.count(), balance().available) == (1, after)


def test_the_same_key_gives_the_same_prize_even_if_there_is_nothing_left_to_stake():
    version = a_game()
    give(10)
    rig(version, None, client_seed="mine")
    first = play(key="k", client_seed="mine")
    assert balance().available == 0
    games.stop(version, person("olivia"), NOON)
    assert play(key="k", client_seed="mine") == first


def test_a_key_is_not_used_for_another_play():
    a_game()
    give(100)
    play(key="k", client_seed="mine")
    with pytest.raises(plays.PlayKeyReused):
        play(key="k", client_seed="another")


def test_without_the_stake_nothing_happens():
    a_game()
    give(9)
    with pytest.raises(InsufficientPoints) as refused:
        play()
    assert refused.value.extra == {"missing": 1}
    assert not Play.objects.exists()


def test_odds_seen_are_odds_played():
    """A commitment belongs to a version and a seed; whoever saw another one looks again."""
    version = a_game()
    give(100)
    seen = seeds.current(version).commitment
    games.activate(a_draft(stake=11), person("felix"), NOON, new_seed)
    with pytest.raises(plays.OddsChanged) as refused:
        play(commitment=seen)
    assert refused.value.extra["commitment"] not in ("", seen)
    assert (Play.objects.count(), balance().available) == (0, 100)


def test_a_game_that_is_stopped_or_unknown_is_not_there():
    games.stop(a_game(), person("olivia"), NOON)
    give(100)
    for code in ("joy", "sorrow"):
        with pytest.raises(NotFound), transaction.atomic():
            plays.play(
                Play.member.field.related_model.objects.get(), code, commitment="", client_seed="a", key="k", at=NOON
            )


@pytest.mark.parametrize(("at", "code"), [(NOON - 2 * DAY, "not_started"), (NOON + 30 * DAY, "over")])
def test_a_game_is_played_between_its_beginning_and_its_end(at, code):
    a_game()
    give(100)
    with pytest.raises(plays.NotPlayable) as refused:
        play(at=at)
    assert codes(refused) == [code]


def test_the_limit_of_a_day_ends_at_local_midnight():
    """domain.md E25: the programme's day, not 24 hours and not UTC's."""
    a_game(daily_limit=2)
    give(100)
    midnight = clock.day_start(dt.date(2026, 3, 2))
    late = midnight - dt.timedelta(milliseconds=1)
    play(at=late)
    play(at=late)
    with pytest.raises(plays.NotPlayable) as refused:
        play(at=late)
    assert codes(refused) == ["daily_limit"]
    assert refused.value.extra["reasons"][0]["again_at"] == "2026-03-01T16:00:00Z"
    play(at=midnight)


def test_the_limit_of_a_lifetime_counts_over_all_versions():
    a_game(lifetime_limit=2)
    give(100)
    play()
    games.activate(a_draft(lifetime_limit=2), person("felix"), NOON, new_seed)
    play(at=NOON + DAY)
    with pytest.raises(plays.NotPlayable) as refused:
        play(at=NOON + 2 * DAY)
    assert codes(refused) == ["lifetime_limit"]


def test_points_that_were_won_live_as_long_as_the_staked_ones():
    version = a_game()
    give(4, expires_at=NOON + 5 * DAY)
    give(96, expires_at=NOON + 9 * DAY)
    rig(version, 3)
    play()
    won = Lot.objects.filter(source=Lot.Source.GAME).order_by("expires_at")
    assert list(won.values_list("earned", "expires_at")) == [(8, NOON + 5 * DAY), (12, NOON + 9 * DAY)]


def test_points_that_were_won_live_as_long_as_the_version_says():
    version = a_game(won_points_days=7)
    give(100)
    rig(version, 3)
    play()
    assert Lot.objects.get(source=Lot.Source.GAME).expires_at == clock.day_end(dt.date(2026, 3, 8))


def test_a_gift_becomes_a_claim_and_leaves_the_stock():
    version = a_game(prizes=[{**MUG, "stock": 3}, THANKS])
    give(100)
    rig(version, 1)
    won = play()
    assert (PrizeClaim.objects.get().play, won.value, Prize.objects.get(name="Mug").remaining) == (won, 20, 2)
    assert balance().available == 90


def test_a_prize_that_is_out_of_stock_falls_to_the_fallback_and_the_odds_stay_true():
    version = a_game(prizes=[{**MUG, "stock": 1}, THANKS])
    give(100)
    for nonce in (1, 2):
        rig(version, 1, nonce=nonce)
        last = play()
    assert (last.drawn.name, last.prize.name, last.value) == ("Mug", "1 point", 1)
    assert plays.verify(last) == []
    assert PrizeClaim.objects.count() == 1


def test_without_a_fallback_a_prize_that_is_out_of_stock_is_nothing():
    version = a_game(prizes=[{**MUG, "stock": 1}])
    give(100)
    for nonce in (1, 2):
        rig(version, 1, nonce=nonce)
        last = play()
    assert (last.drawn.name, last.prize) == ("Mug", None)


def test_stock_never_falls_below_nothing_whatever_the_code_does():
    version = a_game(prizes=[{**MUG, "stock": 1}])
    with pytest.raises(IntegrityError), transaction.atomic():
        version.prizes.update(remaining=-1)


def test_the_game_rests_before_the_days_budget_could_be_exceeded():
    """The top prize has to fit: a play is refused before anybody knows what it would have won."""
    version = a_game(daily_budget=1025)
    give(100)
    rig(version, 3)
    play()
    rig(version, 4, nonce=2)
    play()
    assert GameDay.objects.get().value == 25
    rig(version, None, nonce=3)
    play()
    rig(version, 4, nonce=4)
    play()
    with pytest.raises(plays.BudgetSpent):
        play()
    assert GameDay.objects.get().value == 30
    play(at=NOON + DAY)


def test_a_play_without_a_prize_leaves_the_budget_as_it_was():
    version = a_game(daily_budget=1000)
    give(100)
    for nonce in (1, 2, 3):
        rig(version, None, nonce=nonce)
        play()
    assert GameDay.objects.get().value == 0


@pytest.mark.parametrize("place", ["grant", "close"])
def test_dying_between_stake_and_prize_leaves_neither(place):
    version = a_game()
    give(100)
    rig(version, 3)
    with mock.patch.object(Book, place, side_effect=RuntimeError("killed")), pytest.raises(RuntimeError):
        play()
    assert not Play.objects.exists()
    assert balance().available == 100
    assert_proven()


def test_anybody_can_repeat_a_play_once_the_seed_is_revealed():
    version = a_game()
    give(1000)
    for _play in range(20):
        play()
    seeds.change(version, person("olivia"), NOON, new_seed)
    for one in Play.objects.all():
        seed = one.period.revealed_seed
        assert draws.commitment(seed) == one.period.commitment
        number = draws.number(seed, f"{one.client_seed}:{one.nonce}", 1000)
        place = draws.pick([1, 10, 100, 300], number)
        assert (number, place and place + 1) == (one.number, (one.drawn and one.drawn.position) or place)
        assert plays.verify(one) == []


@pytest.mark.parametrize(
    "tampered",
    [
        {"number": 999},
        {"client_seed": "another"},
        {"nonce": 77},
        {"drawn_id": "top", "prize_id": "top"},
        {"prize_id": "top"},
        {"prize_id": None},
    ],
)
def test_a_play_that_was_tampered_with_is_found(tampered):
    version = a_game()
    give(100)
    rig(version, 3)
    won = play()
    top = version.prizes.get(position=1).pk
    for name, value in tampered.items():
        setattr(won, name, top if value == "top" else value)
    assert plays.verify(won)


def test_a_seed_that_was_exchanged_is_found():
    version = a_game()
    give(100)
    won = play()
    version.seed_periods.update(server_seed=new_seed())
    won.refresh_from_db()
    assert "The seed is not the one that was committed to." in plays.verify(won)


def test_a_fallback_given_although_a_prize_was_left_is_found():
    version = a_game(prizes=[{**MUG, "stock": 2}, THANKS])
    give(100)
    rig(version, 1)
    won = play()
    won.prize = version.prizes.get(is_fallback=True)
    assert plays.verify(won) == ["The fallback was given although there was a prize left."]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["play", "seed", "day"]), max_size=25), st.integers(0, 120))
def test_whatever_is_played_the_ledger_balances_and_every_draw_holds(db, deeds, points):
    with transaction.atomic():
        version = a_game(prizes=[{**MUG, "stock": 1}, THANKS, (200, 12)], daily_budget=60, cost_cap_percent=100)
        at = NOON
        give(points + 1)
        won = 0
        for deed in deeds:
            if deed == "seed":
                seeds.change(version, person("olivia"), at, new_seed)
            elif deed == "day":
                at += DAY
            else:
                try:
                    one = play(at=at)
                except (InsufficientPoints, plays.BudgetSpent):
                    continue
                won += one.prize.points if one.prize else 0
        played = Play.objects.all()
        assert balance(at=at).available == points + 1 - 10 * len(played) + won
        assert [fault for one in played for fault in plays.verify(one)] == []
        assert sum(day.value for day in GameDay.objects.all()) == sum(one.value for one in played)
        assert all(day.value <= 60 for day in GameDay.objects.all())
        assert_proven()
        transaction.set_rollback(True)


def test_a_play_costs_a_fixed_number_of_queries(django_assert_max_num_queries):
    a_game()
    give(1000)
    for _play in range(10):
        play()
    with django_assert_max_num_queries(30):
        play()


def test_what_one_account_has_drawn_tells_no_other_what_it_draws():
    """Bob names Alice's client seed, and Alice again: the three are other messages, each with its own nonce."""
    a_game()
    for name in ("alice", "bob", "charlie"):
        give(100, name)
    first, second, third = (play(subject=name, client_seed="lucky") for name in ("alice", "bob", "alice"))
    assert [one.nonce for one in (first, second, third)] == [1, 2, 3]
    assert play(subject="bob", client_seed="mine").nonce == 3
    assert play(subject="charlie", client_seed="hers").nonce == 1
    assert not any(plays.verify(one) for one in (first, second, third))
