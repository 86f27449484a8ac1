"""Cards follow orders and refunds, each once, to the point."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.models import Delivery
from common.services import outbox
from loyalty.tests import stage
from merchants.models import Card, CardEntry, CardOrder, Club
from merchants.services import card_orders, cards
from merchants.tests.shops import DAY, NOON, a_card, a_club, a_store, buy, card_of, entries, give_back, hear

GOLD = [("Base", 0, 100), ("Gold", 100_00, 150)]


def figures(card):
    card.refresh_from_db()
    return card.spent, card.orders, card.points


@pytest.mark.django_db
class TestCounting:
    def test_only_lines_of_the_clubs_stores_count_and_points_are_rounded_down_once(self):
        card = a_card(club=a_club("acme-1", "acme-2"))
        a_store("other-1", "other")
        buy(("acme-1", 150), ("acme-2", 160), ("other-1", 5000))
        assert figures(card) == (310, 1, 3)

    def test_the_level_before_the_order_says_what_it_counts(self):
        card = a_card(club=a_club(levels=GOLD))
        buy(("acme-1", 100_00), order="o-1")
        assert (figures(card), card.level) == ((100_00, 1, 100), 2)
        buy(("acme-1", 33_33), order="o-2")
        assert figures(card) == (133_33, 2, 100 + 49)

    def test_a_fact_heard_twice_counts_once(self):
        card = a_card()
        buy(("acme-1", 500))
        Delivery.objects.update(status="pending", attempts=0)
        hear()
        card_orders.complete("o-1", NOON)
        assert figures(card) == (500, 1, 5)
        assert len(entries(card)) == 3

    def test_what_was_bought_before_the_card_was_opened_does_not_count(self):
        a_club()
        buy(("acme-1", 500), at=NOON - DAY)
        card = a_card(club=Club.objects.get())
        card_orders.complete("o-1", NOON)
        assert figures(card) == (0, 0, 0)

    def test_orders_of_who_has_left_do_not_count(self):
        card = a_card()
        cards.leave(card, at=NOON)
        buy(("acme-1", 500))
        assert figures(card) == (0, 0, 0)

    def test_an_order_in_a_store_of_two_memberships_counts_in_both(self):
        single, joint = a_club("acme-1"), a_club("acme-1", "acme-2", name="Both")
        mine, ours = a_card(club=single), a_card(club=joint)
        buy(("acme-1", 500), ("acme-2", 700))
        assert (figures(mine), figures(ours)) == ((500, 1, 5), (1200, 1, 12))

    def test_an_order_costs_a_fixed_number_of_queries(self, django_assert_max_num_queries):
        a_card(club=a_club(levels=GOLD))
        stage.send("order.completed", **stage.order("o-1", *[stage.line(n, 100, store="acme-1") for n in range(30)]))
        with django_assert_max_num_queries(14):
            card_orders.complete("o-1", NOON)


@pytest.mark.django_db
class TestBatches:
    def told(self, *orders):
        """Completed orders as (code, member, [(store, cash)]), told but not heard of yet."""
        for code, name, lines in orders:
            rows = [stage.line(number, cash, store=store) for number, (store, cash) in enumerate(lines, 1)]
            stage.send("order.completed", name, **stage.order(code, *rows))

    def test_an_order_of_a_batch_counts_by_the_level_that_the_one_before_it_reached(self):
        card = a_card(club=a_club(levels=GOLD))
        self.told(("o-1", "alice", [("acme-1", 100_00)]), ("o-2", "alice", [("acme-1", 33_33)]))
        hear()
        assert figures(card) == (133_33, 2, 100 + 49)
        assert list(card.events.filter(kind="level").values_list("before", "after")) == [("1", "2")]

    def test_each_order_counts_on_its_buyers_cards_at_its_own_stores(self):
        acme, zeta = a_club(), a_club(merchant="zeta")
        alices, bobs = a_card("alice", acme), a_card("bob", acme)
        bobs_other = a_card("bob", zeta)
        self.told(
            ("o-1", "alice", [("acme-1", 500), ("zeta-1", 700)]),
            ("o-2", "bob", [("zeta-1", 900)]),
            ("o-3", "charlie", [("acme-1", 900)]),
        )
        hear()
        assert [figures(card) for card in (alices, bobs, bobs_other)] == [(500, 1, 5), (0, 0, 0), (900, 1, 9)]

    def test_a_code_told_twice_in_a_batch_counts_once_and_one_that_nobody_knows_counts_nowhere(self):
        card = a_card()
        self.told(("o-1", "alice", [("acme-1", 500)]))
        card_orders.complete_all([("o-1", NOON), ("nobody's", NOON), ("o-1", NOON)])
        assert figures(card) == (500, 1, 5)

    def test_a_batch_costs_the_same_queries_however_many_orders_it_has(self, django_assert_max_num_queries):
        club = a_club(levels=GOLD)
        for number in range(60):
            a_card(f"m-{number}", club)
        orders = [(f"o-{number}", f"m-{number}", [("acme-1", 100_00)]) for number in range(60)]
        self.told(*orders)
        with django_assert_max_num_queries(20):
            card_orders.complete_all([(code, NOON) for code, *_rest in orders])
        assert set(Card.objects.values_list("spent", "level")) == {(100_00, 2)}

    def test_the_books_are_the_same_as_one_by_one(self):
        club = a_club(levels=GOLD)
        cards_ = [a_card(name, club) for name in ("alice", "bob")]
        orders = [(f"o-{n}", ("alice", "bob")[n % 2], [("acme-1", 1700 * n + 50)]) for n in range(1, 9)]
        self.told(*orders)
        card_orders.complete_all([(code, NOON) for code, *_rest in orders])
        together = [(figures(card), entries(card)) for card in cards_]
        CardOrder.objects.all().delete()
        CardEntry.objects.all()._raw_delete(using="default")
        Card.objects.update(spent=0, orders=0, points=0, version=0, level=1)
        for code, *_rest in orders:
            card_orders.complete(code, NOON)
        assert [(figures(card), entries(card)) for card in cards_] == together


@pytest.mark.django_db
class TestTakingBack:
    def test_f11_vector_partial_refunds_take_back_exactly_what_was_given(self):
        card = a_card()
        buy(("acme-1", 2997), ("acme-1", 2997), ("acme-1", 3006))
        assert figures(card) == (9000, 1, 90)
        for number, cash, left in ((1, 2997, 60), (2, 2997, 30), (3, 3006, 0)):
            give_back(refund=f"r-{number}", **{f"l{number}": cash})
            assert figures(card)[2] == left
        assert figures(card) == (0, 0, 0)

    def test_points_that_were_spent_are_noted_and_the_balance_stays_at_zero(self):
        card = a_card()
        buy(("acme-1", 9000))
        (locked,) = cards.lock([card.pk])
        cards.post(locked, CardEntry.Unit.POINTS, CardEntry.Kind.ADJUST, -70, "spent at the till", NOON)
        give_back(l1=9000)
        assert figures(card) == (0, 0, 0)
        row = CardOrder.objects.get()
        assert (row.points, row.points_short) == (0, 70)

    def test_a_cancelled_order_counts_no_more(self):
        card = a_card()
        buy(("acme-1", 9000))
        stage.send("order.cancelled", order="o-1")
        hear()
        assert figures(card) == (0, 0, 0)

    def test_a_refund_heard_before_its_order_is_not_lost(self):
        card = a_card()
        stage.send("order.completed", **stage.order("o-1", stage.line(1, 900, store="acme-1")))
        data = {"order": "o-1", "refund": "r-1", "reason": "defect", "cash": 400, "lines": [{"line": "1", "cash": 400}]}
        stage.send("order.refunded", **data)
        card_orders.refund("o-1", "order:o-1/r-1", NOON)
        card_orders.complete("o-1", NOON)
        assert figures(card) == (500, 1, 5)
        hear()
        assert figures(card) == (500, 1, 5)

    def test_the_terms_of_the_order_hold_for_its_refunds(self):
        club = a_club(levels=GOLD)
        card = a_card(club=club)
        buy(("acme-1", 100_00))
        club.money_unit = 1
        club.save()
        give_back(l1=100_00)
        assert figures(card) == (0, 0, 0)

    def test_a_level_does_not_fall_with_a_refund(self):
        card = a_card(club=a_club(levels=GOLD))
        buy(("acme-1", 100_00))
        give_back(l1=100_00)
        card.refresh_from_db()
        assert card.level == 2

    def test_goods_for_no_money_count_until_they_are_back(self):
        card = a_card()
        buy(("acme-1", 0))
        assert figures(card) == (0, 1, 0)
        stage.send("order.cancelled", order="o-1")
        hear()
        assert figures(card) == (0, 0, 0)

    @pytest.mark.django_db(transaction=False)
    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        cash=st.integers(1, 10_000),
        unit=st.integers(1, 333),
        multiplier=st.integers(100, 1000),
        parts=st.lists(st.integers(1, 2_000), max_size=6),
    )
    def test_whatever_comes_back_the_card_has_what_the_kept_cash_gives(self, cash, unit, multiplier, parts):
        row = CardOrder(cash=cash, kept=cash, multiplier_percent=multiplier, money_unit=unit)
        given_points, taken = row.points_due(), 0
        for part in parts:
            before = row.points_due()
            row.kept = max(row.kept - part, 0)
            taken += before - row.points_due()
            assert given_points - taken == row.kept * multiplier // (100 * unit) >= 0
        row.kept = 0
        assert row.points_due() == 0


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_two_orders_of_one_card_at_once_both_count(self):
        card = a_card(club=a_club(levels=GOLD))
        for number in range(8):
            stage.send("order.completed", **stage.order(f"o-{number}", stage.line(1, 20_00, store="acme-1")))
        errors = []

        def count(number):
            try:
                card_orders.complete(f"o-{number}", NOON)
                card_orders.complete(f"o-{number}", NOON)
            except Exception as error:
                errors.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=count, args=[n // 2]) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert figures(card)[:2] == (160_00, 8)
        assert card_of().level == 2
        assert [entry.seq for entry in card.entries.order_by("seq")] == list(range(1, 25))

    def test_completion_and_refund_heard_at_once_leave_what_was_kept(self):
        card = a_card()
        stage.send("order.completed", **stage.order("o-1", stage.line(1, 900, store="acme-1")))
        data = {"order": "o-1", "refund": "r-1", "reason": "defect", "cash": 400, "lines": [{"line": "1", "cash": 400}]}
        stage.send("order.refunded", **data)
        outbox.dispatch(NOON)

        def listen():
            hear()
            connection.close()

        threads = [threading.Thread(target=listen) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        hear()
        assert figures(card) == (500, 1, 5)
