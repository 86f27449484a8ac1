"""Instant refunds over HTTP: opened within the limit, refused with the rule and the numbers, settled once."""

import pytest

from rewards.models import Benefit, Exposure
from rewards.tests import perks

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/members/alice/instant-refunds"


@pytest.fixture
def instant(alice):
    perks.member("alice", "gold")
    found = perks.benefit("instant-refund", kind=Benefit.Kind.INSTANT_REFUND)
    perks.grant(found, perks.tier("silver"), value=200_00)


def test_it_is_opened_once_and_settled(instant, alice, server):
    body = {"order": "o-1", "amount": 150_00}
    first = server.post(ADDRESS, body, headers={"Idempotency-Key": "r-1"})
    assert (first.status_code, first.json()["status"], first.json()["limit"]) == (201, "open", 200_00)
    assert server.post(ADDRESS, body, headers={"Idempotency-Key": "r-1"}).json() == first.json()
    assert Exposure.objects.get().open == 150_00
    settled = server.post(f"{ADDRESS}/{first.json()['uuid']}/settle")
    assert (settled.status_code, settled.json()["status"]) == (200, "received")
    assert Exposure.objects.get().open == 0


def test_a_refusal_names_the_rule_and_the_numbers(instant, alice, bob, server):
    server.post(ADDRESS, {"order": "o-1", "amount": 150_00})
    refused = server.post(ADDRESS, {"order": "o-2", "amount": 50_01})
    document = refused.json()
    assert (refused.status_code, document["code"]) == (409, "exposure_exceeded")
    assert (document["limit"], document["open"], document["amount"]) == (200_00, 150_00, 50_01)
    nobody = server.post("/api/v1/members/bob/instant-refunds", {"order": "o-1", "amount": 1})
    assert (nobody.status_code, nobody.json()["code"]) == (409, "not_entitled")
    assert server.post(ADDRESS, {"order": "o-1", "amount": 0}).status_code == 422


def test_nobody_settles_what_is_anothers(instant, alice, bob, server):
    uuid = server.post(ADDRESS, {"order": "o-1", "amount": 1_00}).json()["uuid"]
    answer = server.post(f"/api/v1/members/bob/instant-refunds/{uuid}/settle")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_instant_refund")
