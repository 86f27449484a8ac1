"""Olist's orders with a membership for every store: made-up tables, and a slice of the real ones."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from common.services import outbox
from loyalty.tests.services.replay.test_olist import REAL, TABLES
from merchants.models import CampaignGrant, Card, Club
from merchants.services import replay, replay_purses

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path):
    for name, rows in (TABLES | {"sellers": ["s1,01000,sao paulo,SP", "s2,02000,rio,RJ", "s3,03000,rio,RJ"]}).items():
        (tmp_path / f"{name}.csv").write_text("\n".join(["header", *rows]))
    return tmp_path


def test_sellers_find_their_members_and_cards_show_what_the_orders_say(folder, capsys):
    call_command("replay_stores", folder)
    told = capsys.readouterr().out
    assert "Stores: 3; 2 sold something, 2 of them found members" in told
    assert "Cards: 3; 0 differ" in told
    assert "RED" not in told
    cards = Card.objects.order_by("club__name", "member__external_id")
    # Vouchers pay 6.67 and 3.33 of alice's order; bob's was cancelled.
    assert list(cards.values_list("club__name", "member__external_id", "spent", "orders", "points")) == [
        ("s1", "alice", 1333, 1, 13),
        ("s2", "alice", 666, 1, 6),
        ("s2", "bob", 0, 0, 0),
    ]


def test_purses_give_for_orders_and_balance_to_the_point(folder, capsys):
    call_command("replay_stores", folder)
    assert "Purses: 2; 0 do not balance" in capsys.readouterr().out
    balances = replay_purses.balances()
    assert {code: balance.given for code, balance in balances.items()} == {"s1": 1, "s2": 0}
    assert balances["s1"] == replay_purses.Balance(bought=1000, purse=998, pockets=1, wallets=1, used=0)


def test_a_purse_that_gave_what_no_order_says_is_named(folder, capsys):
    call_command("replay_stores", folder)
    CampaignGrant.objects.filter(card__club__name="s1").update(points=2)
    with pytest.raises(SystemExit):
        call_command("replay_stores", folder)
    told = capsys.readouterr()
    assert "1 do not balance" in told.out
    assert "s1: Balance(" in told.err


def test_a_replay_that_was_stopped_in_a_batch_goes_on_and_comes_to_the_same(folder, monkeypatch, capsys):
    deliver = outbox.deliver

    def die(at):
        deliver(at, limit=3)
        raise KeyboardInterrupt

    monkeypatch.setattr(outbox, "deliver", die)
    for _time in range(4):
        with pytest.raises(KeyboardInterrupt):
            call_command("replay_stores", folder, batch=2)
    monkeypatch.setattr(outbox, "deliver", deliver)
    call_command("replay_stores", folder, batch=2)
    told = capsys.readouterr().out
    assert "Cards: 3; 0 differ" in told
    assert "Purses: 2; 0 do not balance" in told
    assert "RED" not in told


def test_playing_again_changes_nothing(folder, capsys):
    for _time in range(2):
        call_command("replay_stores", folder)
    assert Club.objects.count() == 3
    assert Card.objects.count() == 3
    assert "Cards: 3; 0 differ" in capsys.readouterr().out


def test_a_card_that_shows_something_else_is_named(folder, capsys):
    call_command("replay_stores", folder)
    Card.objects.filter(member__external_id="bob").update(spent=5)
    with pytest.raises(SystemExit):
        call_command("replay_stores", folder)
    told = capsys.readouterr()
    assert "1 differ" in told.out
    assert "('s2', 'bob')" in told.err


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(CommandError):
        call_command("replay_stores", tmp_path / "nowhere")


@pytest.mark.skipif(
    not REAL.exists() or connection.vendor == "sqlite",  # reading the tables takes longest: once in CI
    reason="needs the data set (../shared/data), and PostgreSQL",
)
def test_the_first_weeks_of_the_real_sample_come_out_to_the_point(capsys):
    call_command("replay_stores", REAL, until=dt.date(2016, 10, 20))
    told = capsys.readouterr().out
    assert "0 differ from what the orders say" in told
    assert Card.objects.count() > 20


def test_joins_of_a_batch_come_first_and_the_rest_stays_in_order():
    events = [{"type": kind, "id": number} for number, kind in enumerate(["a", "store.joined", "b", "store.joined"])]
    assert [event["id"] for event in replay.joins_first(events)] == [1, 3, 0, 2]


def test_a_member_joins_a_store_once_before_the_first_order():
    line = {"store": "s", "cash": 100}
    order = {"source": "/x", "type": "order.completed", "subject": "a", "time": "2018-01-01T00:00:00Z"}
    events = [order | {"data": {"order": str(n), "lines": [line, line]}} for n in range(2)]
    assert [event["type"] for event in replay.with_joins(events)] == ["store.joined", *["order.completed"] * 2]
