"""Cards: opened once, left and taken up again, never below zero, risen at once."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from common.models import Fact
from members.models import Member
from members.services.members import MemberIsClosed
from merchants.models import Card, CardEntry, Club
from merchants.services import cards
from merchants.tests.shops import DAY, NOON, a_card, a_club, a_member, a_scheme, a_store, entries

Unit, Kind = CardEntry.Unit, CardEntry.Kind
THREE = [("Base", 0, 100), ("Gold", 2_000_00, 150), ("Black", 10_000_00, 200)]


@pytest.mark.django_db
class TestOpening:
    def test_a_card_remembers_the_way_from_the_platform_to_the_store(self):
        club = a_club()
        card = cards.open(a_member(), club, channel="mini_program", at=NOON, store=a_store())
        event = card.events.get()
        assert (event.kind, event.channel, event.store.code) == ("joined", "mini_program", "acme-1")
        fact = Fact.objects.get(topic="card.opened")
        assert (fact.key, fact.payload["store"], fact.payload["returned"]) == ("alice", "acme-1", False)

    def test_joining_twice_is_joining_once(self):
        club = a_club(welcome_points=50)
        first = a_card(club=club)
        again = a_card(club=club, at=NOON + DAY)
        assert again.pk == first.pk
        assert entries(again) == [("points", "welcome", 50, 50)]
        assert Fact.objects.filter(topic="card.opened").count() == 1

    def test_who_comes_back_finds_points_and_gets_no_second_gift(self):
        club = a_club(welcome_points=50)
        card = a_card(club=club)
        assert cards.leave(card, at=NOON + DAY)
        assert not cards.leave(card, at=NOON + DAY)
        back = a_card(club=club, at=NOON + 2 * DAY)
        assert (back.pk, back.status, back.left_at, back.points) == (card.pk, Card.Status.ACTIVE, None, 50)
        assert [event.kind for event in back.events.order_by("pk")] == ["joined", "left", "returned"]
        assert Fact.objects.filter(topic="card.opened", payload__returned=True).count() == 1

    @pytest.mark.parametrize("status", [Club.Status.DRAFT, Club.Status.CLOSED])
    def test_a_membership_that_is_not_open_takes_nobody_in(self, status):
        with pytest.raises(cards.ClubNotOpen):
            a_card(club=a_club(status=status))
        assert not Card.objects.exists()

    def test_a_store_outside_the_membership_opens_no_card(self):
        club, other = a_club(), a_store("acme-2")
        with pytest.raises(cards.StoreNotInClub):
            cards.open(a_member(), club, channel="app", at=NOON, store=other)

    def test_a_closed_member_opens_no_card(self):
        gone = a_member("gone", status=Member.Status.CLOSED)
        with pytest.raises(MemberIsClosed):
            cards.open(gone, a_club(), channel="app", at=NOON)

    def test_a_card_of_the_brand_belongs_to_one_member(self):
        club = a_club()
        a_card("alice", club, external_card="B-1")
        with pytest.raises(cards.ExternalCardTaken):
            a_card("bob", club, external_card="B-1")
        with pytest.raises(cards.ExternalCardTaken):
            a_card("alice", club, external_card="B-2")
        assert a_card("alice", club, external_card="B-1").external_card == "B-1"


@pytest.mark.django_db
class TestMoving:
    def test_balances_are_their_entries_and_numbers_have_no_gap(self):
        card = a_card()
        cards.post(card, Unit.POINTS, Kind.ORDER, 70, "order:1", NOON)
        cards.post(card, Unit.SPENT, Kind.ORDER, 7000, "order:1", NOON)
        cards.post(card, Unit.POINTS, Kind.REFUND, -30, "order:1/r", NOON)
        card.refresh_from_db()
        assert (card.points, card.spent, card.version) == (40, 7000, 3)
        assert [entry.seq for entry in card.entries.order_by("seq")] == [1, 2, 3]

    def test_a_balance_never_falls_below_zero(self):
        card = a_card()
        cards.post(card, Unit.POINTS, Kind.ORDER, 10, "order:1", NOON)
        assert cards.post(card, Unit.POINTS, Kind.REFUND, -25, "order:1/r", NOON) == -10
        assert cards.post(card, Unit.POINTS, Kind.REFUND, -5, "order:1/s", NOON) == 0
        assert entries(card) == [("points", "order", 10, 10), ("points", "refund", -10, 0)]

    @pytest.mark.parametrize(("spent", "level"), [(1_999_99, 1), (2_000_00, 2), (9_999_99, 2), (35_000_00, 3)])
    def test_a_card_rises_at_the_threshold_and_over_several_levels_at_once(self, spent, level):
        card = a_card(club=a_club(levels=THREE))
        cards.post(card, Unit.SPENT, Kind.ORDER, spent, "order:1", NOON)
        card.refresh_from_db()
        assert card.level == level
        assert Fact.objects.filter(topic="card.level_changed").count() == (level > 1)

    def test_levels_may_go_by_the_number_of_orders(self):
        club = a_club()
        a_scheme(club, [("Base", 0, 100), ("Often", 2, 100)], basis="orders")
        card = a_card(club=club)
        cards.post(card, Unit.ORDERS, Kind.ORDER, 1, "order:1", NOON)
        assert card.level == 1
        cards.post(card, Unit.ORDERS, Kind.ORDER, 1, "order:2", NOON)
        assert card.level == 2

    def test_moving_costs_a_fixed_number_of_statements(self, django_assert_num_queries):
        card = a_card(club=a_club(levels=THREE))
        movements = [cards.Movement(unit, Kind.ORDER, 10, "order:1") for unit in (Unit.SPENT, Unit.ORDERS, Unit.POINTS)]
        with django_assert_num_queries(3):
            cards.move(card, movements, NOON)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_joining_twice_at_once_opens_one_card_with_one_gift(self):
        club, alice = a_club(welcome_points=50), a_member()
        opened, errors = [], []

        def join():
            try:
                opened.append(cards.open(alice, club, channel="app", at=NOON).pk)
            except Exception as error:
                errors.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=join) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert len(opened) == 8
        assert len(set(opened)) == 1
        assert entries(Card.objects.get()) == [("points", "welcome", 50, 50)]
        assert Fact.objects.filter(topic="card.opened").count() == 1
