import datetime as dt
from unittest import mock

import pytest

from common.models import Fact, JobRun
from loyalty.models import Lot, Wallet
from loyalty.services.ledger import Book
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON, balance, give
from members.services import members
from rewards.models import Outcome, Play, PrizeClaim
from rewards.services import draws, lotteries, plays
from rewards.tests.arcade import a_lottery, play

pytestmark = pytest.mark.django_db

DRAW = NOON + DAY + dt.timedelta(hours=1)
PRIZES = [
    {"kind": "gift", "name": "Mug", "price": 30, "stock": 1},
    {"kind": "points", "name": "20 points", "points": 20, "stock": 2},
]

TEN = [{"kind": "points", "points": 10, "stock": 1}]


def sell(*names, at=NOON):
    for name in names:
        give(10, name, expires_at=NOON + 9 * DAY)
        play("lottery", name, at)


def drawn(version, at=DRAW):
    version = lotteries.draw(version, at)
    lotteries.settle(at, at)
    return version


def test_a_ticket_costs_the_stake_and_waits_for_the_draw():
    a_lottery()
    sell("alice", "bob")
    tickets = Play.objects.order_by("ticket")
    assert [(one.ticket, one.number, one.prize) for one in tickets] == [(1, None, None), (2, None, None)]
    assert balance().available == 0


def test_prizes_are_drawn_in_their_order_and_every_winner_is_another_ticket():
    version = a_lottery(least=7, prizes=PRIZES)
    sell(*"abcdefgh")
    version = drawn(version)
    outcomes = list(version.outcomes.select_related("play", "prize"))
    assert [(one.place, one.prize.name) for one in outcomes] == [(1, "Mug"), (2, "20 points"), (3, "20 points")]
    assert len({one.play_id for one in outcomes}) == 3
    assert PrizeClaim.objects.get().play == outcomes[0].play
    for one in outcomes[1:]:
        assert balance(one.play.member.external_id, DRAW).available == 20
    assert lotteries.verify(version) == []
    assert_proven()


def test_the_winners_follow_from_the_seed_and_what_the_players_chose():
    version = a_lottery(least=7, prizes=PRIZES)
    sell(*"abcdefgh")
    seed = version.seed_periods.get().server_seed
    version = drawn(version)
    assert version.seed_periods.get().revealed_seed == seed
    expected = draws.winners(seed, draws.salt("abcdefgh"), 8, 3)
    stored = version.outcomes.order_by("place").values_list("number", "play__ticket")
    assert list(stored) == expected


def test_too_few_tickets_call_the_lottery_off_and_stakes_go_back_to_their_very_lots():
    version = a_lottery(least=3)
    sell("alice", "bob")
    version = drawn(version)
    assert version.called_off
    assert [balance(name, DRAW).available for name in ("alice", "bob")] == [10, 10]
    lot = Lot.objects.get(account__wallet__member__external_id="alice")
    assert (lot.remaining, lot.expires_at) == (10, NOON + 9 * DAY)
    assert lotteries.verify(version) == []
    assert_proven()


def test_a_stake_that_expired_before_the_lottery_was_called_off_comes_back_as_new_points():
    version = a_lottery(least=3)
    give(10, expires_at=NOON + DAY)
    play("lottery")
    drawn(version)
    assert balance(at=DRAW).available == 10
    assert Lot.objects.get(source=Lot.Source.RESTORE).expires_at > DRAW + 30 * DAY
    assert_proven()


def test_before_its_time_nothing_is_drawn():
    version = a_lottery(least=1, prizes=TEN)
    sell("alice", "bob")
    version = lotteries.draw(version, DRAW - dt.timedelta(microseconds=1))
    assert version.drawn_at is None
    assert version.seed_periods.get().revealed_seed is None


def test_a_draw_happens_once():
    version = a_lottery(least=2)
    sell("alice", "bob", "carol")
    first = drawn(version)
    outcomes = list(Outcome.objects.values_list("play", "place"))
    again = drawn(version, DRAW + DAY)
    assert (again.drawn_at, list(Outcome.objects.values_list("play", "place"))) == (first.drawn_at, outcomes)
    winner = Outcome.objects.get().play.member.external_id
    assert balance(winner, DRAW).available == 20
    assert Fact.objects.filter(topic="game.lottery_drawn").count() == 1


def test_a_payment_that_dies_half_way_is_finished_by_the_next_run():
    version = a_lottery(least=2)
    sell("alice", "bob", "carol")
    lotteries.draw(version, DRAW)
    with mock.patch.object(Book, "close", side_effect=RuntimeError("killed")), pytest.raises(RuntimeError):
        lotteries.settle(DRAW, DRAW)
    assert JobRun.objects.get().status == JobRun.Status.FAILED
    assert lotteries.unsettled().count() == 1
    lotteries.settle(DRAW, DRAW)
    assert not lotteries.unsettled().exists()
    assert balance(Outcome.objects.get().play.member.external_id, DRAW).available == 20
    assert_proven()


def test_no_ticket_is_sold_beyond_the_most():
    a_lottery(least=2, most=2)
    sell("alice", "bob")
    give(10, "carol")
    with pytest.raises(plays.NotPlayable) as refused:
        play("lottery", "carol")
    assert refused.value.extra["reasons"] == [{"code": "sold_out"}]
    assert balance("carol").available == 10


def test_no_ticket_is_sold_after_the_end():
    a_lottery()
    give(10)
    with pytest.raises(plays.NotPlayable):
        play("lottery", at=NOON + DAY)


def test_a_winner_who_was_merged_is_paid_where_she_went():
    version = a_lottery(least=1, prizes=TEN)
    sell("alice")
    give(5, "bob")
    members.merge("alice", "bob", NOON + dt.timedelta(hours=2))
    drawn(version)
    assert Wallet.objects.get(member__external_id="bob").account.available == 15


def test_a_winner_who_has_left_gets_nothing_and_the_others_are_paid():
    version = a_lottery(least=2, prizes=[{"kind": "points", "points": 10, "stock": 2}])
    sell("alice", "bob")
    members.close("alice", NOON + dt.timedelta(hours=2))
    drawn(version)
    assert [balance(name, DRAW).available for name in ("alice", "bob")] == [0, 10]
    assert not lotteries.unsettled().exists()


@pytest.mark.parametrize("tamper", ["place", "play", "seed", "gone"])
def test_a_draw_that_was_tampered_with_is_found(tamper):
    version = a_lottery(least=7, prizes=PRIZES)
    sell(*"abcdefgh")
    version = drawn(version)
    first, second, third = version.outcomes.order_by("place")
    if tamper == "place":
        Outcome.objects.filter(pk=third.pk).update(place=9)
    elif tamper == "play":
        other = Play.objects.exclude(outcome__isnull=False).first()
        Outcome.objects.filter(pk=first.pk).update(play=other)
    elif tamper == "seed":
        version.seed_periods.update(server_seed="0" * 64)
    else:
        second.delete()
    assert lotteries.verify(version)
