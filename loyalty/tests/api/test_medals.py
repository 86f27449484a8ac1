import pytest

from loyalty.models import MedalDisplay
from loyalty.services import medals
from loyalty.tests import medal_case as case
from loyalty.tests.api.callers import shop
from loyalty.tests.medal_case import NOON, TONIGHT

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(alice, bob):
    """Alice holds level 1 of one medal; nobody has anything of the other."""
    reader = case.medal(description="For readers.")
    reader.levels.filter(number=1).update(benefits="A coupon.")
    case.medal("sharer", kind="behaviour", behaviour="share", levels=())
    case.buy("alice", 12_00)
    medals.award(TONIGHT, NOON)
    return reader


def test_a_member_sees_every_medal_with_level_and_what_is_missing(phone, alice, reader):
    answer = phone(alice).get("/api/v1/me/medals").json()

    assert answer["shown"] is True
    held = next(medal for medal in answer["medals"] if medal["code"] == "reader")
    assert held["level"] == {"number": 1, "name": "Level 1", "benefits": "A coupon."}
    assert held["next"] == {"number": 2, "name": "Level 2", "benefits": "", "missing": 8, "share_permille": None}
    assert (held["score"], held["since"], held["counted_up_to"]) == (12, "2026-03-01T04:00:00Z", "2026-03-01")
    other = next(medal for medal in answer["medals"] if medal["code"] == "sharer")
    assert (other["level"], other["next"], other["score"]) == (None, None, 0)
    assert "id" not in held


def test_my_medals_cost_the_same_however_many_there_are(phone, bob, reader, django_assert_num_queries):
    for number in range(5):
        case.medal(f"medal-{number}", f"category-{number}")
    mine = phone(bob)
    with django_assert_num_queries(6):
        assert len(mine.get("/api/v1/me/medals").json()["medals"]) == 7


def test_a_member_hides_her_medals_and_the_server_is_told(phone, server, alice, bob, reader):
    answer = phone(alice).patch("/api/v1/me/medals", {"shown": False}, format="json")

    assert (answer.status_code, answer.json()["shown"]) == (200, False)
    seen = server.get("/api/v1/members/alice/medals").json()
    assert seen["shown"] is False
    assert {medal["code"]: medal["score"] for medal in seen["medals"]} == {"reader": 12, "sharer": 0}
    assert server.get("/api/v1/members/bob/medals").json()["shown"] is True


@pytest.mark.parametrize("body", [{}, {"shown": "no"}, {"shown": None}, [], {"hidden": True}])
def test_a_wish_that_is_not_clear_is_refused_and_changes_nothing(phone, alice, reader, body):
    answer = phone(alice).patch("/api/v1/me/medals", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert not MedalDisplay.objects.exists()


def test_a_stranger_and_a_key_without_the_scope_see_nothing(client, alice, reader):
    assert client.get("/api/v1/me/medals").status_code == 401
    assert shop("till", ["events:write"]).get("/api/v1/members/alice/medals").status_code == 403


def test_an_unknown_member_is_not_found(server):
    answer = server.get("/api/v1/members/nobody/medals")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
