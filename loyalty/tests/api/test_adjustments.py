import datetime as dt

import pytest
from django.utils import timezone

from common.models import AuditEntry
from loyalty.models import Adjustment, Lot
from loyalty.tests.api.callers import grant
from members.services import members

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/members/alice/adjustments"
GOODWILL = {"points": 500, "category": "goodwill", "reason": "The parcel came late."}


def test_points_are_given_with_a_reason_and_audited(server, alice):
    answer = server.post(ADDRESS, GOODWILL)
    assert answer.status_code == 201
    assert (answer.json()["points"], answer.json()["category"]) == (500, "goodwill")
    assert alice.wallet.account.available == 500
    entry = AuditEntry.objects.get(action="loyalty.adjustments.post")
    assert (entry.actor_label, entry.reason) == ("API key server", "The parcel came late.")


def test_the_same_key_gives_once(server, alice):
    for _ in range(3):
        server.post(ADDRESS, GOODWILL, headers={"Idempotency-Key": "k"})
    assert Adjustment.objects.count() == 1


def test_points_expire_when_asked_for(server, alice):
    until = timezone.now() + dt.timedelta(days=3)
    server.post(ADDRESS, GOODWILL | {"expires_at": until.isoformat()})
    assert Lot.objects.get().expires_at == until


def test_more_than_there_is_cannot_be_taken(server, alice):
    grant(alice, 100)
    answer = server.post(ADDRESS, GOODWILL | {"points": -101, "category": "correction"})
    assert (answer.status_code, answer.json()["code"], answer.json()["missing"]) == (409, "insufficient_points", 1)
    assert not Adjustment.objects.exists()


def test_unknown_and_closed_members_get_nothing(server, alice):
    assert server.post("/api/v1/members/nobody/adjustments", GOODWILL).status_code == 404
    members.close("alice", timezone.now())
    assert server.post(ADDRESS, GOODWILL).json()["code"] == "member_closed"
    assert not Adjustment.objects.exists()
