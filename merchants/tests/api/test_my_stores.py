"""A member joins, looks and leaves over the API; and gives consent by name."""

import datetime as dt

import pytest
from django.utils import timezone

from common import clock
from members.models import Consent, Identity
from members.services import identities
from merchants.models import Card, CardEntry, Merchant
from merchants.services import cards
from merchants.tests.shops import a_club, a_scheme, a_store

pytestmark = pytest.mark.django_db
THREE = [("Base", 0, 100), ("Gold", 2_000_00, 150), ("Black", 10_000_00, 200)]
URL = "/api/v1/me/stores"


def join(phone, owner, **body):
    return phone(owner).post(URL, {"store": "acme-1", "channel": "app", **body}, format="json")


def test_joining_opens_a_card_and_shows_level_and_points(phone, alice):
    club = a_club(welcome_points=50, unit_name="miles", levels=THREE)
    answer = join(phone, alice, consents=["contact"])
    assert answer.status_code == 201
    (store,) = answer.json()["stores"]
    assert (store["membership"], store["merchant"], store["points"]) == (
        str(club.uuid), "acme", {"amount": 50, "unit": "miles"}
    )  # fmt: skip
    assert (store["level"]["name"], store["next_level"]) == ("Base", {"number": 2, "name": "Gold", "missing": 2_000_00})
    assert Consent.objects.get().purpose == "contact"
    assert join(phone, alice).status_code == 201
    assert Card.objects.count() == 1


def test_progress_and_announced_levels_are_shown(phone, alice):
    club = a_club(levels=THREE)
    card = cards.open(alice, club, channel="app", at=timezone.now())
    cards.post(card, CardEntry.Unit.SPENT, CardEntry.Kind.ORDER, 2_500_00, "order:1", timezone.now())
    tomorrow = clock.local_date(timezone.now()) + dt.timedelta(days=1)
    a_scheme(club, [("Solo", 0, 100)], effective_on=tomorrow)
    (store,) = phone(alice).get(URL).json()["stores"]
    assert (store["level"]["name"], store["next_level"]["missing"]) == ("Gold", 7_500_00)
    assert (store["announced"]["on"], [level["name"] for level in store["announced"]["levels"]]) == (
        tomorrow.isoformat(), ["Solo"]
    )  # fmt: skip


def test_a_membership_shows_its_history_and_its_movements(phone, alice):
    club = a_club(welcome_points=50)
    join(phone, alice, channel="mini_program")
    detail = phone(alice).get(f"{URL}/{club.uuid}").json()
    assert [(event["kind"], event["channel"]) for event in detail["history"]] == [("joined", "mini_program")]
    moved = phone(alice).get(f"{URL}/{club.uuid}/transactions").json()["results"]
    assert [(entry["unit"], entry["kind"], entry["change"]) for entry in moved] == [("points", "welcome", 50)]
    assert "id" not in detail
    assert "id" not in moved[0]


def test_leaving_is_once_and_other_members_cards_are_not_found(phone, alice, charlie):
    club = a_club()
    join(phone, alice)
    address = f"{URL}/{club.uuid}"
    for path in (address, f"{address}/transactions"):
        assert phone(charlie).get(path).status_code == 404
    assert phone(charlie).delete(address).status_code == 404
    assert phone(alice).delete(address).status_code == 204
    assert phone(alice).delete(address).status_code == 404
    assert phone(alice).get(URL).json() == {"stores": []}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"store": "nowhere"}, 422, "unknown_store"),
        ({"store": "closed-1"}, 409, "membership_not_open"),
        ({"store": 7}, 422, "invalid_input"),
        ({"store": "acme-1", "consents": ["all"]}, 422, "invalid_input"),
        ({"store": "acme-1", "external_card": "taken"}, 409, "external_card_taken"),
    ],
)
def test_bad_wishes_are_refused_and_change_nothing(phone, alice, bob, body, status, code):
    club = a_club()
    a_store("closed-1")
    cards.open(bob, club, channel="app", at=timezone.now(), external_card="taken")
    answer = phone(alice).post(URL, body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Card.objects.filter(member=alice).exists()
    assert not Consent.objects.exists()


def test_nobody_without_a_token_sees_anything(client):
    assert client.get(URL).status_code == 401


def test_ten_memberships_cost_the_queries_of_one(phone, alice, django_assert_num_queries):
    for number in range(10):
        club = a_club(f"s-{number}", merchant=f"m-{number}", levels=THREE)
        cards.open(alice, club, channel="app", at=timezone.now())
    mine = phone(alice)
    with django_assert_num_queries(4):
        assert len(mine.get(URL).json()["stores"]) == 10


class TestConsents:
    URL = "/api/v1/me/consents"

    def test_a_consent_names_purpose_and_recipient_in_words(self, phone, alice):
        a_club()
        Merchant.objects.update(contact="privacy@acme.example")
        answer = phone(alice).post(self.URL, {"purpose": "insight", "recipient": "acme"}, format="json")
        assert answer.status_code == 201
        given = answer.json()
        assert given["recipient"] == {"code": "acme", "name": "Acme", "contact": "privacy@acme.example"}
        assert given["text"] == "Show my purchases and score band to the merchant"
        assert given["withdrawn_at"] is None

    def test_withdrawing_is_as_easy_and_keeps_the_history(self, phone, alice, charlie):
        a_club()
        phone(alice).post(self.URL, {"purpose": "insight", "recipient": "acme"}, format="json")
        assert phone(charlie).delete(f"{self.URL}/insight/acme").status_code == 404
        assert phone(alice).delete(f"{self.URL}/insight/acme").status_code == 204
        assert phone(alice).delete(f"{self.URL}/insight/acme").status_code == 404
        (row,) = phone(alice).get(self.URL).json()["results"]
        assert row["withdrawn_at"] is not None
        assert phone(alice).get(f"{self.URL}?standing=true").json()["results"] == []
        assert phone(charlie).get(self.URL).json()["results"] == []

    def test_what_is_for_the_programme_names_no_merchant(self, phone, alice):
        answer = phone(alice).post(self.URL, {"purpose": "personalise"}, format="json")
        assert (answer.status_code, answer.json()["recipient"]) == (201, None)
        assert phone(alice).delete(f"{self.URL}/personalise/programme").status_code == 204

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"purpose": "insight", "recipient": "nobody"}, "unknown_recipient"),
            ({"purpose": "insight"}, "unknown_recipient"),
            ({"purpose": "everything", "recipient": "acme"}, "invalid_input"),
            ({}, "invalid_input"),
        ],
    )
    def test_a_consent_to_nobody_in_particular_is_refused(self, phone, alice, body, code):
        a_club()
        answer = phone(alice).post(self.URL, body, format="json")
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert not Consent.objects.exists()


def test_a_phone_sent_over_the_api_is_kept_as_a_digest(server, alice):
    answer = server.patch("/api/v1/members/alice", {"phone": "13800138000"}, format="json")
    assert answer.status_code == 200
    assert "13800138000" not in answer.content.decode()
    assert Identity.objects.get().digest == identities.digest("+8613800138000")
    answer = server.patch("/api/v1/members/alice", {"phone": "call me"}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/phone")
