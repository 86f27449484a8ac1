"""store.joined and store.left: by the shop's own door, with the way and the consents on record."""

from __future__ import annotations

import pytest

from common.models import RejectedEvent
from loyalty.tests import stage
from loyalty.tests.stage import set_programme
from members.models import Consent, Member
from members.selectors import consents
from merchants.models import Card, CardEvent, Club
from merchants.tests.shops import DAY, NOON, a_club, a_member, a_store, card_of

pytestmark = pytest.mark.django_db


def join(name="alice", store="acme-1", at=NOON, **data):
    return stage.send("store.joined", name, at, store=store, **data)


def test_joining_opens_a_card_and_says_so():
    club = a_club(welcome_points=50)
    result = join(channel="mini_program")
    assert result["effects"] == {
        "stores": [{"membership": str(club.uuid), "name": club.name, "joined": True, "level": 1, "points": 50}]
    }
    event = CardEvent.objects.get()
    assert (event.channel, event.store.code) == ("mini_program", "acme-1")
    assert not Consent.objects.exists()


def test_joining_again_is_ignored():
    a_club()
    join()
    result = join(at=NOON + DAY)
    assert (result["status"], result["reason"]) == ("ignored", "already_joined")
    assert Card.objects.count() == 1


def test_a_member_joins_every_open_membership_of_the_store_and_the_brands_card_goes_to_the_brands():
    single, brand = a_club("acme-1"), a_club("acme-1", scope=Club.Scope.BRAND, name="Brand")
    a_club("acme-1", "acme-2", name="Draft", status=Club.Status.DRAFT)
    join(external_card="B-1", channel="offline")
    assert card_of(club=single).external_card == ""
    assert card_of(club=brand).external_card == "B-1"
    assert Card.objects.count() == 2


def test_the_brands_card_brings_the_consent_to_the_link_and_others_are_given_by_name():
    a_club()
    join("alice", external_card="B-1")
    join("bob", consents=["insight"])
    assert consents.open_of(a_member("alice")) == {("link", "acme")}
    assert consents.open_of(a_member("bob")) == {("insight", "acme")}


def test_leaving_closes_the_cards_and_coming_back_is_told():
    a_club()
    join()
    left = stage.send("store.left", "alice", NOON + DAY, store="acme-1")
    assert left["status"] == "applied"
    assert stage.send("store.left", "alice", NOON + DAY, store="acme-1")["reason"] == "not_joined"
    assert join(at=NOON + 2 * DAY)["effects"]["stores"][0]["joined"]
    assert [event.kind for event in CardEvent.objects.order_by("pk")] == ["joined", "left", "returned"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"store": "nowhere"}, "unknown_store"),
        ({}, "invalid_input"),
        ({"store": "acme-1", "consents": ["everything"]}, "invalid_input"),
        ({"store": "acme-1", "channel": "x" * 41}, "invalid_input"),
    ],
)
def test_bad_input_is_refused_and_kept(data, code):
    a_club()
    result = stage.send("store.joined", "alice", NOON, **data)
    assert result["problem"]["code"] == code
    assert RejectedEvent.objects.count() == 1
    assert not Card.objects.exists()


def test_a_store_without_an_open_membership_has_nothing_to_join():
    a_store()
    assert join()["reason"] == "no_membership"


def test_closed_and_unknown_members_do_not_join():
    a_club()
    a_member("gone", status=Member.Status.CLOSED)
    assert join("gone")["problem"]["code"] == "member_closed"
    set_programme(register_unknown_members=False)
    assert join("stranger")["problem"]["code"] == "unknown_member"
    assert join("no/name")["problem"]["code"] == "invalid_input"


def test_a_merged_member_joins_as_who_she_is_now():
    a_club()
    bob = a_member("bob")
    Member.objects.create(external_id="old", status="merged", merged_into=bob, registered_at=NOON)
    join("old")
    assert card_of("bob").member == bob


def test_a_taken_card_refuses_the_event_wholly_and_spoils_no_other():
    a_club("acme-1")
    a_club("acme-1", scope=Club.Scope.BRAND, name="Brand")
    join("alice", external_card="B-1")
    events = [
        stage.event("store.joined", name, NOON, store="acme-1", external_card=card)
        for name, card in (("bob", "B-1"), ("dora", "B-2"))
    ]
    results = stage.send_all(events, NOON)
    assert [result["status"] for result in results] == ["rejected", "applied"]
    assert results[0]["problem"]["code"] == "external_card_taken"
    assert not Card.objects.filter(member__external_id="bob").exists()
    assert not Consent.objects.filter(member__external_id="bob").exists()


def joins(*wishes, at=NOON):
    """One batch of (name, store) joins, with the brand's card if there is a third."""
    events = []
    for number, (name, store, *card) in enumerate(wishes):
        data = {"store": store} | ({"external_card": card[0]} if card else {})
        events.append(stage.event("store.joined", name, at, **data) | {"id": f"j-{number}-{at:%d}"})
    return stage.send_all(events, at)


def test_a_batch_of_joins_answers_each_in_its_place():
    a_club("acme-1")
    a_club("acme-1", scope=Club.Scope.BRAND, name="Brand")
    a_store("lonely-1", "lonely")
    set_programme(register_unknown_members=False)
    for name in ("alice", "bob", "dora"):
        a_member(name)
    gone = a_member("gone", status="closed", closed_at=NOON)
    results = joins(
        ("alice", "acme-1"),
        ("alice", "acme-1"),
        (gone.external_id, "acme-1"),
        ("bob", "nowhere"),
        ("bob", "lonely-1"),
        ("bob", "acme-1", "B-1"),
        ("dora", "acme-1"),
    )
    assert [(r["status"], r.get("reason", r.get("problem", {}).get("code"))) for r in results] == [
        ("applied", None),
        ("ignored", "already_joined"),
        ("rejected", "member_closed"),
        ("rejected", "unknown_store"),
        ("ignored", "no_membership"),
        ("applied", None),
        ("applied", None),
    ]
    assert [stores["joined"] for stores in results[0]["effects"]["stores"]] == [True, True]
    assert Card.objects.count() == 6
    assert CardEvent.objects.filter(kind="joined").count() == 6


def test_a_batch_brings_back_who_had_left_and_gives_no_second_gift():
    a_club(welcome_points=50)
    joins(("alice", "acme-1"))
    stage.send("store.left", "alice", NOON + DAY, store="acme-1")
    joins(("bob", "acme-1"), ("alice", "acme-1"), at=NOON + 2 * DAY)
    assert [(card.status, card.points) for card in Card.objects.all()] == [("active", 50), ("active", 50)]
    assert list(CardEvent.objects.order_by("pk").values_list("card__member__external_id", "kind")) == [
        ("alice", "joined"),
        ("alice", "left"),
        ("bob", "joined"),
        ("alice", "returned"),
    ]


def test_joins_cost_the_same_queries_however_many_they_are(django_assert_max_num_queries):
    a_club(welcome_points=50)
    for number in range(60):
        a_member(f"m-{number}")
    with django_assert_max_num_queries(25):
        results = joins(*((f"m-{number}", "acme-1") for number in range(60)))
    assert {result["status"] for result in results} == {"applied"}
    assert set(Card.objects.values_list("points", flat=True)) == {50}
