"""A merchant's staff see their own stores and members, and of them only what the card says."""

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from members.services import consents
from merchants.tests.shops import a_card, a_club, a_member, a_store, staff

pytestmark = pytest.mark.django_db
MEMBERS = "/api/v1/merchant/members"


@pytest.fixture
def acme(db):
    client = APIClient()
    client.force_login(staff(role="viewer"))
    return client


def test_only_the_own_stores_are_listed(acme):
    club = a_club("acme-1")
    a_store("acme-2")
    a_club(merchant="other")
    rows = acme.get("/api/v1/merchant/stores").json()["results"]
    assert [(row["code"], row["memberships"]) for row in rows] == [("acme-1", [str(club.uuid)]), ("acme-2", [])]


def test_only_members_of_the_own_memberships_are_found(acme):
    own, theirs = a_card("alice", a_club()), a_card("charlie", a_club(merchant="other"))
    a_member("nobody")
    rows = acme.get(MEMBERS).json()["results"]
    assert [row["card"] for row in rows] == [str(own.uuid)]
    assert acme.get(f"{MEMBERS}/{own.uuid}").status_code == 200
    assert acme.get(f"{MEMBERS}/{theirs.uuid}").status_code == 404


def test_a_member_has_no_number_or_name_of_the_shop_and_no_figures_beyond_the_card(acme):
    card = a_card("alice", a_club())
    row = acme.get(f"{MEMBERS}/{card.uuid}").json()
    assert set(row) == {
        "card", "membership", "name", "status", "level", "points", "spent", "orders", "channel", "store",
        "external_card", "consents", "joined_at", "left_at", "last_order_at", "history",
    }  # fmt: skip
    assert "alice" not in str(row)


def test_lists_are_filtered_and_another_merchants_membership_filters_nothing_in(acme):
    club, other = a_club(), a_club(merchant="other")
    a_card("alice", club, external_card="B-1")
    a_card("bob", club)
    a_card("charlie", other)
    assert len(acme.get(f"{MEMBERS}?external_card=B-1").json()["results"]) == 1
    assert len(acme.get(f"{MEMBERS}?membership={club.uuid}").json()["results"]) == 2
    assert acme.get(f"{MEMBERS}?membership={other.uuid}").json()["results"] == []
    assert acme.get(f"{MEMBERS}?level=9").json()["results"] == []


def test_consents_are_shown_for_the_own_merchant_only(acme):
    card = a_card("alice", a_club())
    a_club(merchant="other")
    for merchant, purpose in (("acme", "contact"), ("other", "insight")):
        consents.give(card.member, purpose, merchant, "app", timezone.now())
    assert acme.get(MEMBERS).json()["results"][0]["consents"] == ["contact"]


def test_twenty_members_cost_the_queries_of_one(acme, django_assert_num_queries):
    club = a_club()
    for number in range(20):
        a_card(f"m-{number}", club)
    acme.get(MEMBERS)
    with django_assert_num_queries(6):
        assert len(acme.get(MEMBERS).json()["results"]) == 20


def test_strangers_get_nothing(client, db):
    assert client.get(MEMBERS).status_code == 401
    assert client.get("/api/v1/merchant/stores").status_code == 401
