"""Benefits over HTTP: the member sees her own, the server uses them once, and every refusal has its reason."""

import datetime as dt

import pytest
from django.utils import timezone

from common.models import ApiKey
from loyalty.models import TierChange
from loyalty.tests.api.callers import shop
from rewards.models import Benefit, BenefitUse, Period
from rewards.services import benefits
from rewards.tests import perks

pytestmark = pytest.mark.django_db


@pytest.fixture
def parcel(alice, bob):
    perks.member("alice", "gold")
    found = perks.benefit("parcel", name="Free parcel", kind=Benefit.Kind.PARCEL, saves="trouble")
    perks.grant(found, perks.tier("gold"), quota=2, period=Period.DAY)
    shipping = perks.benefit("free-shipping", kind=Benefit.Kind.FREE_SHIPPING)
    perks.grant(shipping, perks.tier("silver"), value=79_00)
    return found


def told(client, address="/api/v1/me/benefits"):
    answer = client.get(address)
    assert answer.status_code == 200
    return {row["code"]: row for row in answer.json()["benefits"]}


def test_i_see_my_benefits_with_what_is_left_and_why(parcel, alice, phone):
    benefits.use(alice, "parcel", timezone.now(), key="k-1")
    rows = told(phone(alice))
    assert rows["free-shipping"]["parameter"] == {"name": "threshold", "unit": "money", "value": 7900}
    assert rows["free-shipping"]["quota"] is None
    row = rows["parcel"]
    assert (row["source"], row["gate"], row["saves"], row["parameter"]) == (
        "Gold and above", "contribute", "trouble", None,
    )  # fmt: skip
    assert {name: row["quota"][name] for name in ("limit", "used", "left")} == {"limit": 2, "used": 1, "left": 1}
    assert dt.date.fromisoformat(row["quota"]["resets_on"]) > dt.date.fromisoformat(row["quota"]["period"])


def test_nobody_sees_or_uses_what_is_alices(parcel, alice, bob, charlie, phone):
    assert told(phone(charlie)) == told(phone(bob)) == {}
    assert phone(charlie).get("/api/v1/members/alice/benefits").status_code == 401
    assert phone(charlie).post("/api/v1/members/alice/benefits/parcel/uses", {}).status_code == 401


def test_my_benefits_cost_the_same_number_of_queries_whatever_there_is(
    parcel, alice, phone, django_assert_max_num_queries
):
    for number in range(20):
        perks.grant(perks.benefit(f"b-{number}"), perks.tier("bronze"), quota=1)
    client = phone(alice)
    client.get("/api/v1/me/benefits")
    with django_assert_max_num_queries(12):
        assert len(told(client)) == 22


def test_the_server_uses_once_with_a_key_and_gives_back(parcel, alice, server):
    address = "/api/v1/members/alice/benefits/parcel/uses"
    body = {"order": "o-1", "channel": "offline"}
    first = server.post(address, body, headers={"Idempotency-Key": "k-1"})
    again = server.post(address, body, headers={"Idempotency-Key": "k-1"})
    assert (first.status_code, again.status_code, again.headers["Idempotency-Replayed"]) == (201, 201, "true")
    assert first.json() == again.json()
    assert BenefitUse.objects.count() == 1
    back = server.post(f"{address}/{first.json()['uuid']}/give-back", headers={"Idempotency-Key": "k-2"})
    assert (back.status_code, back.json()["given_back_at"] is not None) == (200, True)
    assert told(server, "/api/v1/members/alice/benefits")["parcel"]["quota"]["left"] == 2


def test_a_key_in_the_body_names_the_occasion_across_idempotency_keys(parcel, alice, server):
    address = "/api/v1/members/alice/benefits/parcel/uses"
    uuids = {
        server.post(address, {"key": "parcel-1"}, headers={"Idempotency-Key": f"k-{number}"}).json()["uuid"]
        for number in range(3)
    }
    assert len(uuids) == 1


def test_every_refusal_has_its_reason(parcel, alice, bob, server):
    address = "/api/v1/members/alice/benefits/parcel/uses"
    for _number in range(2):
        assert server.post(address, {}).status_code == 201
    used_up = server.post(address, {})
    assert (used_up.status_code, used_up.json()["code"], used_up.json()["quota"]) == (409, "quota_used_up", 2)
    for path, status, code in [
        ("/api/v1/members/bob/benefits/parcel/uses", 409, "not_entitled"),
        ("/api/v1/members/alice/benefits/nothing/uses", 404, "unknown_benefit"),
        ("/api/v1/members/nobody/benefits/parcel/uses", 404, "not_found"),
        (f"{address}/{'0' * 8}-0000-0000-0000-{'0' * 12}/give-back", 404, "unknown_use"),
    ]:
        answer = server.post(path, {})
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
    bad = server.post(address, {"store": "nowhere"})
    assert (bad.status_code, bad.json()["errors"][0]["pointer"]) == (422, "/store")
    assert server.post(address, {"channel": "by pigeon"}).status_code == 422
    assert shop("reader", [ApiKey.Scope.MEMBERS_READ]).post(address, {}).status_code == 403


def test_the_server_asks_how_it_was(parcel, alice, server):
    now = timezone.now()
    TierChange.objects.create(
        member=alice, before=perks.tier("bronze"), after=perks.tier("gold"), reason="growth", growth=0, at=now
    )
    then = (now - dt.timedelta(days=1)).isoformat().replace("+00:00", "Z")
    assert told(server, f"/api/v1/members/alice/benefits?at={then}") == {}
    for wrong in ("yesterday", "2999-01-01T00:00:00Z", "2026-03-01T10:00:00"):
        answer = server.get(f"/api/v1/members/alice/benefits?at={wrong}")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/at")
