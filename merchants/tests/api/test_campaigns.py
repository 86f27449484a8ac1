"""Campaigns over the API: own ones only, each deed by its role, repeats are safe."""

import datetime as dt

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from merchants.models import CardSegment, MerchantCampaign
from merchants.tests import shops
from merchants.tests.campaigning import a_club, a_draft, cards, purse

pytestmark = pytest.mark.django_db
URL = "/api/v1/merchant/campaigns"


def caller(name="sam", merchant="acme", role="owner"):
    client = APIClient()
    client.force_login(shops.staff(name, merchant, role))
    return client


@pytest.fixture
def club(db):
    return a_club()


@pytest.fixture
def acme(club):
    return caller()


def asked(club, **values):
    now = timezone.now()
    body = {"membership": str(club.uuid), "name": "Spring", "points": 100, "budget": 1000}
    return body | {"starts_at": now.isoformat(), "ends_at": (now + dt.timedelta(days=9)).isoformat()} | values


def draft(club, **values):
    now = timezone.now()
    return a_draft(club, starts_at=now, ends_at=now + dt.timedelta(days=9), **values)


def test_a_draft_is_written_previewed_started_and_stopped(acme, club):
    cards(club, "alice", "bob")
    made = acme.post(URL, asked(club), format="json")
    assert made.status_code == 201, made.json()
    at = f"{URL}/{made.json()['campaign']}"
    assert acme.post(f"{at}/preview").json() == {
        "members": 2, "now": 200, "month": 200, "budget": 1000, "purse": 10_000, "missing": 0,
    }  # fmt: skip
    assert acme.post(f"{at}/start").json()["status"] == "running"
    assert purse(club, timezone.now()) == 9_000
    stopped = acme.post(f"{at}/stop").json()
    assert (stopped["status"], stopped["released"], purse(club, timezone.now())) == ("stopped", 1000, 10_000)
    assert acme.post(f"{at}/stop").json()["code"] == "campaign_not_running"
    assert acme.get(at).json()["results"]["given"] == 0
    assert [row["name"] for row in acme.get(URL, {"status": "stopped"}).json()["results"]] == ["Spring"]


def test_a_start_that_is_sent_again_starts_once(acme, club):
    campaign = draft(club)
    first, second = (acme.post(f"{URL}/{campaign.uuid}/start", HTTP_IDEMPOTENCY_KEY="k-1") for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert purse(club, timezone.now()) == 9_000


def test_too_small_a_purse_is_refused_with_numbers(acme, club):
    campaign = draft(club, budget=10_001)
    answer = acme.post(f"{URL}/{campaign.uuid}/start")
    assert answer.status_code == 409
    assert {name: answer.json()[name] for name in ("code", "budget", "has", "missing")} == {
        "code": "purse_too_small", "budget": 10_001, "has": 10_000, "missing": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"points": 0}, "/points"),
        ({"budget": 50}, "/budget"),
        ({"membership": "9b2f7a4e-3f0b-4a57-9a57-2f8d5f2c1a77"}, "/membership"),
        ({"segment": "nobody", "audience": "segment"}, "/segment"),
        ({"audience": "segment"}, "/segment"),
        ({"trigger": "christmas"}, "/trigger"),
        ({"money_unit": 100}, "/money_unit"),
        ({"starts_at": "2026-03-01T10:00:00"}, "/starts_at"),
        ({"ends_at": "2020-03-01T10:00:00Z"}, "/ends_at"),
    ],
)
def test_a_request_that_makes_no_sense_is_told_where_and_changes_nothing(acme, club, values, pointer):
    answer = acme.post(URL, asked(club, **values), format="json")
    assert answer.status_code == 422, answer.json()
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert not MerchantCampaign.objects.exists()


def test_a_segment_is_named_by_its_name_within_the_membership(acme, club):
    CardSegment.objects.create(club=a_club("zeta"), name="high")
    body = asked(club, audience="segment", segment="high")
    assert acme.post(URL, body, format="json").status_code == 422
    CardSegment.objects.create(club=club, name="high")
    assert acme.post(URL, body, format="json").json()["segment"] == "high"


def test_a_list_of_cards_is_taken_whole_or_the_draft_is_refused_row_by_row(acme, club):
    alice, _bob = cards(club, "alice", "bob")
    (theirs,) = cards(a_club("zeta"), "charlie")
    body = asked(club, audience="list", cards=[str(alice.uuid), str(theirs.uuid), "B-7"])
    answer = acme.post(URL, body, format="json")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/cards/1", "/cards/2"]
    assert not MerchantCampaign.objects.exists()
    acme.post(URL, body | {"cards": [str(alice.uuid)]}, format="json")
    assert list(MerchantCampaign.objects.get().listed.all()) == [alice]


def test_another_merchants_campaign_is_not_found_and_not_touched(club):
    theirs = a_club("zeta")
    campaign = draft(club)
    bob = caller("bob", "zeta")
    assert bob.get(URL).json()["results"] == []
    for path, verb in (("", "get"), ("/preview", "post"), ("/start", "post"), ("/stop", "post")):
        assert getattr(bob, verb)(f"{URL}/{campaign.uuid}{path}").status_code == 404
    assert bob.post(URL, asked(club), format="json").status_code == 422
    assert bob.get(URL, {"membership": str(club.uuid)}).json()["results"] == []
    assert (MerchantCampaign.objects.get().status, purse(theirs)) == ("draft", 10_000)


@pytest.mark.parametrize(
    ("role", "write", "start"),
    [("owner", 201, 200), ("operator", 201, 403), ("finance", 403, 200), ("viewer", 403, 403)],
)
def test_each_deed_asks_for_its_role(club, role, write, start):
    client = caller(role=role)
    assert client.post(URL, asked(club), format="json").status_code == write
    assert client.post(f"{URL}/{draft(club).uuid}/start").status_code == start
    assert client.get(URL).status_code == 200


def test_a_page_of_campaigns_costs_a_fixed_number_of_queries(acme, club, django_assert_max_num_queries):
    for number in range(10):
        draft(club, name=f"c-{number}")
    with django_assert_max_num_queries(6):
        assert len(acme.get(URL).json()["results"]) == 10
