"""The brand's members meet the platform's: only with consent, conflicts decided by people, points taken over once."""

from __future__ import annotations

import pytest

from common.models import AuditEntry
from common.problems import InvalidInput
from loyalty.tests import stage
from loyalty.tests.stage import STAFF
from members.models import Consent
from members.services import consents, identities
from merchants.models import BrandMember, Card, Club
from merchants.selectors import cards as selectors
from merchants.services import cards, links
from merchants.services.links import Line
from merchants.tests.shops import DAY, NOON, a_card, a_club, a_member, card_of, entries, hear

pytestmark = pytest.mark.django_db
PHONE = "13800138000"


@pytest.fixture
def club(db):
    return a_club(scope=Club.Scope.BRAND)


def take_in(club, *lines):
    return links.take_in(club, lines, actor=STAFF, at=NOON)


def line(card="B-1", phone=PHONE, **more):
    return Line(card, identities.digest(phone) if phone else "", **more)


def with_phone(name, phone=PHONE):
    stage.send("member.registered", name, NOON, phone=phone)
    hear()
    return a_member(name)


def agree(member, at=NOON):
    consents.give(member, Consent.Purpose.LINK, "acme", "app", at)
    hear(at)


def row(card="B-1"):
    return BrandMember.objects.get(external_card=card)


class TestMatching:
    def test_nobody_is_linked_without_consent(self, club):
        with_phone("alice")
        take_in(club, line())
        assert (row().status, row().card) == ("waiting", None)
        assert not Card.objects.exists()

    def test_who_agreed_is_linked_by_phone_and_the_points_are_taken_over_once(self, club):
        agree(with_phone("alice"))
        take_in(club, line(points=300, level_name="VIP"))
        assert row().status == "linked"
        card = card_of("alice")
        assert (card.external_card, card.points, card.channel) == ("B-1", 300, "offline")
        take_in(club, line(points=900))
        assert links.match_member(card.member, NOON) == 0
        assert entries(card_of("alice")) == [("points", "adjust", 300, 300)]

    def test_consent_that_comes_later_links_then(self, club):
        alice = with_phone("alice")
        take_in(club, line())
        agree(alice)
        assert row().card.member == alice

    def test_a_phone_that_comes_later_links_then(self, club):
        alice = a_member("alice")
        agree(alice)
        take_in(club, line())
        assert row().status == "waiting"
        stage.send("member.updated", "alice", NOON, phone=PHONE)
        hear()
        assert row().card.member == alice

    def test_joining_with_the_brands_card_links_by_it(self, club):
        take_in(club, line(phone="", points=40))
        stage.send("store.joined", "alice", NOON, store="acme-1", external_card="B-1", channel="shop")
        hear()
        assert row().status == "linked"
        assert card_of("alice").points == 40

    def test_the_consent_to_another_merchant_is_none(self, club):
        a_club(merchant="other")
        alice = with_phone("alice")
        consents.give(alice, Consent.Purpose.LINK, "other", "app", NOON)
        hear()
        take_in(club, line())
        assert row().status == "waiting"

    def test_a_withdrawn_consent_links_nobody(self, club):
        alice = with_phone("alice")
        agree(alice)
        consents.withdraw(alice, Consent.Purpose.LINK, "acme", NOON + DAY)
        take_in(club, line())
        assert row().status == "waiting"

    def test_only_a_brands_membership_takes_members_in(self):
        with pytest.raises(InvalidInput):
            take_in(a_club("acme-2"), line())

    def test_a_file_is_matched_in_a_fixed_number_of_queries(self, club, django_assert_max_num_queries):
        for number in range(20):
            with_phone(f"m-{number}", f"138001380{number:02d}")
        lines = [line(f"B-{n}", f"138001380{n:02d}") for n in range(20)]
        with django_assert_max_num_queries(14):
            take_in(club, *lines)
        assert BrandMember.objects.filter(status="waiting").count() == 20


class TestConflicts:
    def test_a_familys_phone_is_a_conflict_until_an_operator_decides(self, club):
        for name in ("alice", "bob"):
            agree(with_phone(name))
        take_in(club, line(points=10))
        assert (row().status, row().reason) == ("conflict", "phone_of_several")
        assert [member.external_id for member in links.candidates(row())] == ["alice", "bob"]
        links.resolve(row(), a_member("bob"), actor=STAFF, reason="showed the card", at=NOON)
        assert row().card.member.external_id == "bob"
        assert card_of("bob").points == 10
        assert AuditEntry.objects.get(action="merchants.links.resolve").reason == "showed the card"

    def test_only_those_who_agreed_make_a_conflict(self, club):
        agree(with_phone("alice"))
        with_phone("bob")
        take_in(club, line())
        assert row().card.member.external_id == "alice"

    def test_a_member_with_another_card_of_the_brand_is_a_conflict(self, club):
        agree(with_phone("alice"))
        take_in(club, line("B-1"))
        take_in(club, line("B-2"))
        assert (row("B-2").status, row("B-2").reason) == ("conflict", "other_card")
        assert card_of("alice").external_card == "B-1"

    def test_card_and_phone_of_different_members_are_a_conflict(self, club):
        agree(with_phone("alice"))
        bob = a_member("bob")
        agree(bob)
        a_card("bob", club, external_card="B-1")
        take_in(club, line("B-1"))
        assert (row().status, row().reason) == ("conflict", "card_of_another")

    def test_an_operator_links_nobody_who_did_not_agree(self, club):
        alice = with_phone("alice")
        take_in(club, line())
        with pytest.raises(links.NoConsent):
            links.resolve(row(), alice, actor=STAFF, reason="", at=NOON)
        assert row().status == "waiting"

    def test_refusing_settles_it_for_good(self, club):
        for name in ("alice", "bob"):
            agree(with_phone(name))
        take_in(club, line())
        links.resolve(row(), None, actor=STAFF, reason="nobody", at=NOON)
        assert row().status == "refused"
        take_in(club, line(points=10))
        assert row().status == "refused"
        with pytest.raises(links.NoConflict):
            links.resolve(row(), None, actor=STAFF, reason="", at=NOON)

    def test_a_decision_that_cannot_be_kept_changes_nothing(self, club):
        alice = with_phone("alice")
        agree(alice)
        take_in(club, line("B-1"))
        take_in(club, line("B-2"))
        with pytest.raises(cards.ExternalCardTaken):
            links.resolve(row("B-2"), alice, actor=STAFF, reason="", at=NOON)
        assert row("B-2").status == "conflict"


class TestTakingBack:
    def test_who_takes_the_consent_back_is_linked_no_more_and_keeps_the_points(self, club):
        alice = with_phone("alice")
        agree(alice)
        take_in(club, line(points=300))
        consents.withdraw(alice, Consent.Purpose.LINK, "acme", NOON + DAY)
        hear(NOON + DAY)
        card = card_of("alice")
        assert (row().status, row().card, card.external_card, card.points) == ("waiting", None, "", 300)
        assert card.events.first().kind == "unlinked"

    def test_agreeing_again_links_again_and_takes_nothing_over_twice(self, club):
        alice = with_phone("alice")
        agree(alice)
        take_in(club, line(points=300))
        consents.withdraw(alice, Consent.Purpose.LINK, "acme", NOON + DAY)
        hear(NOON + DAY)
        agree(alice, NOON + 2 * DAY)
        assert (row().status, card_of("alice").external_card, card_of("alice").points) == ("linked", "B-1", 300)

    def test_the_consent_to_another_merchant_unlinks_nothing(self, club):
        alice = with_phone("alice")
        agree(alice)
        take_in(club, line())
        consents.withdraw(alice, Consent.Purpose.LINK, "other", NOON + DAY)
        hear(NOON + DAY)
        assert row().status == "linked"


def test_who_has_left_is_not_known_by_name_any_more(club):
    """Members who left the membership stay as a card, without a name (PIPL 47)."""
    stage.send("member.registered", "alice", NOON, name="Alice")
    card = cards.open(a_member("alice"), club, channel="app", at=NOON)
    assert selectors.known_name(card) == "Alice"
    cards.leave(card, at=NOON + DAY)
    assert selectors.known_name(Card.objects.get()) == ""
