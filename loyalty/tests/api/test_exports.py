import json

import pytest

from common.models import AuditEntry
from loyalty.tests.api.callers import grant, shop

pytestmark = pytest.mark.django_db


def read(answer) -> dict:
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    return json.loads(b"".join(answer.streaming_content))


def test_the_shop_gets_all_data_of_a_member_with_a_key_for_it(alice):
    grant(alice, 300)
    found = read(shop("officer", ["privacy"]).get("/api/v1/members/alice/data-export"))
    assert (found["format"], found["member"]) == ("member-data/1", "alice")
    assert found["parts"]["members"]["rows"][0]["name"] == "Alice"
    assert found["parts"]["balances"]["rows"][0]["available"] == 300
    assert AuditEntry.objects.get(action="members.exports.export").actor_label.startswith("API key")


def test_another_key_gets_nothing(alice):
    answer = shop("reader", ["members:read"]).get("/api/v1/members/alice/data-export")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_a_member_gets_her_own_data_and_no_others(alice, bob, phone):
    grant(bob, 77)
    found = read(phone(alice).get("/api/v1/me/data-export"))
    assert found["member"] == "alice"
    assert "bob" not in json.dumps(found)


def test_an_unknown_member_has_no_data(db):
    assert shop("officer", ["privacy"]).get("/api/v1/members/nobody/data-export").status_code == 404
