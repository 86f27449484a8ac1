import pytest

from loyalty.models import Account
from loyalty.tests.api.callers import grant, shop
from members.models import Member

pytestmark = pytest.mark.django_db


def test_the_shop_sees_what_closing_costs_and_closes(alice):
    grant(alice, 300)
    officer = shop("officer", ["privacy"])
    found = officer.get("/api/v1/members/alice/closing").json()
    assert [(one["code"], one["amount"]) for one in found["waived"]] == [("points", 300)]
    assert found["hindrances"] == []
    answer = officer.post("/api/v1/members/alice/closing", {"waive": True})
    assert (answer.status_code, answer.json()["status"]) == (200, "closed")
    assert Member.objects.get(external_id="alice").status == "closed"


def test_a_debt_hinders_and_is_named(alice, phone):
    grant(alice, 300)
    Account.objects.update(available=0, owed=80)
    answer = phone(alice).post("/api/v1/me/closing", {"waive": True}).json()
    assert (answer["code"], [one["code"] for one in answer["hindrances"]]) == ("closing_hindered", ["debt"])
    assert Member.objects.get(external_id="alice").status == "active"


def test_nothing_is_closed_without_a_waiver(alice, phone):
    answer = phone(alice).post("/api/v1/me/closing", {"waive": False})
    assert (answer.status_code, answer.json()["code"]) == (422, "waiver_missing")


def test_a_member_closes_her_own_account_only(alice, bob, phone):
    assert phone(alice).post("/api/v1/me/closing", {"waive": True}).status_code == 200
    assert dict(Member.objects.values_list("external_id", "status")) == {"alice": "closed", "bob": "active"}
    assert phone(alice).get("/api/v1/me/closing").status_code == 401


def test_another_key_may_neither_look_nor_close(alice):
    reader = shop("writer", ["members:write"])
    assert reader.get("/api/v1/members/alice/closing").status_code == 403
    assert reader.post("/api/v1/members/alice/closing", {"waive": True}).status_code == 403
