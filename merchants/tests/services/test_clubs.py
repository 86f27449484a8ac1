"""A club opens with its stores, winds down with notice, and pays what its cards hold (domain.md E61)."""

from __future__ import annotations

import datetime as dt

import pytest

from common.models import Fact, JobRun
from common.problems import InvalidInput
from loyalty.models import Entry, Lot
from loyalty.services.ledger import InsufficientPoints
from loyalty.tests.stage import STAFF, balance, give
from merchants.models import Card, CardEntry, Club
from merchants.services import cards, clubs, purses
from merchants.tests.purse_strings import a_purse
from merchants.tests.shops import DAY, NOON, a_card, a_club, a_store, buy, card_of, entries

pytestmark = pytest.mark.django_db
END = NOON + 30 * DAY


def with_points(name: str, club: Club, points: int) -> Card:
    card = a_card(name, club)
    cards.post(card, CardEntry.Unit.POINTS, CardEntry.Kind.ORDER, points, "order:1", NOON)
    return card


def wind_down(club: Club, permille: int = 300, ends_at: dt.datetime = END) -> Club:
    return clubs.wind_down(club, ends_at, permille, actor=STAFF, at=NOON)


class TestOpening:
    def test_a_draft_with_its_store_opens(self):
        club = clubs.open(a_club(status=Club.Status.DRAFT), actor=STAFF, at=NOON)
        assert club.status == Club.Status.OPEN

    def test_a_joint_membership_needs_two_stores(self):
        club = a_club("acme-1", scope=Club.Scope.JOINT, status=Club.Status.DRAFT)
        with pytest.raises(clubs.ClubCannotOpen):
            clubs.open(club, actor=STAFF, at=NOON)

    def test_stores_of_another_merchant_take_no_part(self):
        club = a_club("acme-1", "acme-2")
        with pytest.raises(InvalidInput):
            clubs.take_stores(club, [a_store("other-1", "other")], actor=STAFF, at=NOON)
        assert club.stores.count() == 2

    def test_a_store_is_in_one_membership_of_each_scope(self):
        first, second = a_club("acme-1"), a_club("acme-2", name="Two", status=Club.Status.DRAFT)
        with pytest.raises(clubs.StoreTaken):
            clubs.take_stores(second, [a_store("acme-1")], actor=STAFF, at=NOON)
        joint = a_club("acme-1", "acme-2", name="Both")
        assert first.stores.get() in joint.stores.all()


class TestWindingDown:
    def test_it_needs_thirty_days_of_notice(self):
        with pytest.raises(clubs.NoticeTooShort):
            wind_down(a_club(), ends_at=END - dt.timedelta(seconds=1))

    def test_what_it_may_cost_is_set_aside_at_once(self):
        club, purse = a_club(), a_purse(1000)
        with_points("alice", club, 1001)
        with_points("bob", club, 9)
        wind_down(club)
        assert purses.balance(purse.merchant, NOON) == 1000 - 301 - 3

    def test_a_purse_that_cannot_pay_refuses_and_nothing_changes(self):
        club = a_club()
        a_purse(299)
        with_points("alice", club, 1000)
        with pytest.raises(InsufficientPoints):
            wind_down(club)
        club.refresh_from_db()
        assert (club.status, club.pocket) == (Club.Status.OPEN, None)

    def test_from_then_on_nobody_joins_and_orders_do_not_count(self):
        club = a_club()
        a_card(club=club)
        club = wind_down(club, 0)
        buy(("acme-1", 500))
        assert card_of().points == 0
        with pytest.raises(cards.ClubNotOpen):
            a_card("bob", club)


class TestClosing:
    def test_points_are_exchanged_rounded_down_and_what_is_left_returns(self):
        club, purse = a_club(), a_purse(1000)
        alice, bob = with_points("alice", club, 1001), with_points("bob", club, 9)
        wind_down(club)
        run = clubs.close(END, END)
        assert run.counts == {"card_points": 1010, "points_given": 300 + 2}
        assert (balance("alice", END).available, balance("bob", END).available) == (300, 2)
        assert purses.balance(purse.merchant, END) == 1000 - 302
        assert entries(alice)[-1] == ("points", "exchange", -1001, 0)
        assert Lot.objects.filter(account__wallet__member__external_id="bob").get().funder_id == purse.account_id
        assert Club.objects.get().status == Club.Status.CLOSED
        assert Fact.objects.filter(topic="points.earned", key="alice").get().payload["points"] == 300
        assert bob.entries.count() == 2

    def test_nothing_happens_before_the_notice_is_over(self):
        club = a_club()
        a_purse(1000)
        with_points("alice", club, 100)
        wind_down(club)
        clubs.close(END - DAY, END - DAY)
        assert Club.objects.get().status == Club.Status.WINDING_DOWN
        assert card_of().points == 100

    def test_closing_that_is_killed_pays_nobody_twice(self, monkeypatch):
        monkeypatch.setattr(clubs, "CARDS_PER_CHUNK", 2)
        club = a_club()
        a_purse(1000)
        for name in ("a", "b", "c", "d", "e"):
            with_points(name, club, 100)
        wind_down(club)
        original, calls = clubs._exchange_span, []

        def dies(*args):
            calls.append(args)
            counts = original(*args)
            if len(calls) == 2:
                raise RuntimeError("killed")
            return counts

        monkeypatch.setattr(clubs, "_exchange_span", dies)
        with pytest.raises(RuntimeError):
            clubs.close(END, END)
        run = clubs.close(END, END)
        assert (run.status, run.counts["points_given"]) == (JobRun.Status.DONE, 150)
        assert [balance(name, END).available for name in "abcde"] == [30] * 5
        assert Entry.objects.filter(reference=f"club:{club.uuid}", kind="transfer", account__wallet=None).exists()

    def test_points_of_the_programme_are_not_touched(self):
        club = a_club()
        a_purse(1000)
        with_points("alice", club, 100)
        give(77)
        wind_down(club, 0)
        clubs.close(END, END)
        assert balance("alice", END).available == 77
        assert (card_of().points, Club.objects.get().status) == (0, Club.Status.CLOSED)
