"""Cards follow merged members: what was there is moved, and the opening gift is given once (domain.md E58, E59)."""

from __future__ import annotations

import pytest

from common.models import Fact
from loyalty.services import proof
from loyalty.tests import stage
from members.services import members
from merchants.models import Card, CardOrder
from merchants.services import card_merges, cards
from merchants.services.invariants import cards as invariants
from merchants.tests.shops import DAY, NOON, a_card, a_club, buy, card_of, entries, give_back, hear

pytestmark = pytest.mark.django_db


def merge(source="alice", target="bob", at=NOON + DAY):
    members.merge(source, target, at)
    hear(at)


def prove():
    for invariant in invariants.ALL:
        assert proof.check(invariant).sample == [], invariant.name


def figures(name):
    card = card_of(name)
    return card.spent, card.orders, card.points, card.status


def test_two_cards_become_one_and_the_second_gift_stays_behind():
    club = a_club(welcome_points=50, levels=[("Base", 0, 100), ("Gold", 150_00, 100)])
    a_card("alice", club)
    a_card("bob", club)
    buy(("acme-1", 100_00), order="o-1", name="alice")
    buy(("acme-1", 60_00), order="o-2", name="bob")
    merge()
    assert figures("bob") == (160_00, 2, 50 + 100 + 60, "active")
    assert figures("alice") == (0, 0, 50, "left")
    assert card_of("bob").level == 2
    assert set(CardOrder.objects.values_list("card__member__external_id", flat=True)) == {"bob"}
    prove()


def test_a_merged_member_without_a_card_there_gets_one_and_no_gift():
    club = a_club(welcome_points=50)
    a_card("alice", club)
    stage.send("member.registered", "bob", NOON)
    merge()
    assert figures("bob") == (0, 0, 50, "active")
    assert [kind for _unit, kind, _delta, _balance in entries(card_of("bob"))] == ["merge"]
    prove()


def test_refunds_after_the_merge_reach_the_card_that_remains():
    club = a_club()
    a_card("alice", club)
    a_card("bob", club)
    buy(("acme-1", 100_00), name="alice")
    merge()
    give_back(name="bob", at=NOON + 2 * DAY, l1=100_00)
    assert figures("bob") == (0, 0, 0, "active")
    prove()


def test_merging_twice_moves_nothing_twice():
    club = a_club(welcome_points=50)
    a_card("alice", club)
    a_card("bob", club)
    buy(("acme-1", 100_00), name="alice")
    merge()
    version = card_of("bob").version
    alice, bob = (card_of(name).member for name in ("alice", "bob"))
    assert card_merges.merge(alice, bob, NOON + 2 * DAY) == 0
    assert card_of("bob").version == version


def test_unmerging_brings_the_own_orders_back_and_merging_again_works():
    club = a_club(welcome_points=50)
    a_card("alice", club)
    a_card("bob", club)
    buy(("acme-1", 100_00), order="o-1", name="alice")
    buy(("acme-1", 60_00), order="o-2", name="bob")
    merge()
    members.unmerge("alice", NOON + 2 * DAY)
    hear(NOON + 2 * DAY)
    assert figures("alice") == (100_00, 1, 150, "active")
    assert figures("bob") == (60_00, 1, 110, "active")
    prove()
    merge(at=NOON + 3 * DAY)
    assert figures("bob") == (160_00, 2, 210, "active")
    prove()


@pytest.mark.parametrize("first", ["alice", "bob"])
def test_who_parts_from_a_chain_of_merges_takes_her_orders_along(first):
    club = a_club()
    for name, cash in (("alice", 100_00), ("bob", 60_00), ("charlie", 30_00)):
        a_card(name, club)
        buy(("acme-1", cash), order=f"o-{name}", name=name)
    merge("alice", "bob")
    merge("bob", "charlie")
    for name in (first, *({"alice", "bob"} - {first})):
        members.unmerge(name, NOON + 2 * DAY)
        hear(NOON + 2 * DAY)
    assert [figures(name)[0] for name in ("alice", "bob", "charlie")] == [100_00, 60_00, 30_00]
    prove()


def test_who_leaves_the_programme_leaves_every_membership():
    for club in (a_club("acme-1"), a_club("other-1", merchant="other")):
        a_card("alice", club)
    members.close("alice", NOON + DAY)
    hear(NOON + DAY)
    assert set(Card.objects.values_list("status", flat=True)) == {"left"}
    assert Fact.objects.filter(topic="card.left").count() == 2


def test_the_proof_names_a_card_that_was_written_past_its_entries():
    card = a_card()
    prove()
    Card.objects.filter(pk=card.pk).update(points=7, spent=5)
    red = {invariant.name for invariant in invariants.ALL if proof.check(invariant).offenders}
    assert red == {"cards_are_their_entries", "cards_are_their_orders"}


def test_the_proof_names_a_gap_and_a_second_gift():
    card = a_card(club=a_club(welcome_points=5))
    (locked,) = cards.lock([card.pk])
    locked.version = 2
    cards.post(locked, "points", "welcome", 5, "again", NOON)
    red = {invariant.name for invariant in invariants.ALL if proof.check(invariant).offenders}
    assert red == {"card_entries_are_gapless", "cards_have_one_gift"}
