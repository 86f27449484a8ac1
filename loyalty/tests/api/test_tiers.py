"""Members see where they stand, what comes next and how it came so; the shop sees why, too (api.md, S1-11, S2-38)."""

import datetime as dt

import pytest
from django.utils import timezone

from common.services.audit import Actor
from loyalty.models import Tier
from loyalty.services import overrides
from loyalty.tests.api.callers import shop
from loyalty.tests.stage import DAY, a_growth_policy, a_ladder, line, order, send, standing

pytestmark = pytest.mark.django_db


@pytest.fixture
def gold(alice):
    """Alice has just come to gold with 12,066 growth; Bob has only signed in."""
    a_ladder(provisional_days=0)
    a_growth_policy()
    grow(12_066)


def grow(whole, subject="alice"):
    now = timezone.now()
    return send("order.completed", subject, now, **order(f"{subject}-{whole}", line(1, whole * 100)))


def set_silver(note="She complained."):
    now = timezone.now()
    silver, last = Tier.objects.get(code="silver"), now.date() + 30 * DAY
    return overrides.set_tier(standing().member, silver, last, note=note, actor=Actor("Olivia"), at=now)


def test_alice_sees_her_tier_and_what_is_missing_for_the_next(phone, alice, gold):
    answer = phone(alice).get("/api/v1/me").json()
    assert answer["tier"] == {
        "code": "gold",
        "name": "Gold",
        "rank": 3,
        "colour": "#9ca3af",
        "icon": "military_tech",
    }
    progress = answer["progress"]
    assert (progress["growth"], progress["next_tier"]["code"]) == (12_066, "diamond")
    assert (progress["threshold"], progress["missing"]) == (30_000, 17_934)
    assert (progress["provisional_until"], progress["set_by_hand_until"]) == (None, None)
    assert progress["tier_since"].endswith("Z")


def test_alice_sees_what_the_next_review_will_deduct_and_which_tier_follows(phone, alice, gold):
    coming = phone(alice).get("/api/v1/me").json()["progress"]["next_review"]
    assert coming["tier_after"]["code"] == "silver"
    assert (coming["deduction"], coming["growth_after"], coming["grace_until"]) == (4_000, 8_066, None)
    assert dt.date.fromisoformat(coming["on"]) > timezone.now().date() + 300 * DAY


def test_the_shop_sees_the_same(server, phone, alice, gold):
    mine = phone(alice).get("/api/v1/me").json()
    theirs = server.get("/api/v1/members/alice").json()
    assert (theirs["tier"], theirs["progress"]) == (mine["tier"], mine["progress"])


def test_an_upgrade_says_until_when_it_is_provisional(phone, alice):
    a_ladder(provisional_days=7)
    a_growth_policy()
    grow(2_000)
    assert phone(alice).get("/api/v1/me").json()["progress"]["provisional_until"].endswith("Z")


def test_a_tier_set_by_hand_says_until_when(phone, alice, gold):
    until = set_silver().until
    progress = phone(alice).get("/api/v1/me").json()["progress"]
    assert dt.datetime.fromisoformat(progress["set_by_hand_until"]) == until
    assert progress["next_review"]["deduction"] == 0


def test_a_member_to_whom_nothing_happened_sees_where_to_begin(phone, bob, gold):
    answer = phone(bob).get("/api/v1/me").json()
    assert (answer["tier"], answer["progress"]["growth"]) == (None, 0)
    assert answer["progress"]["next_tier"]["code"] == "bronze"
    assert answer["progress"]["next_review"] is None


def test_without_a_ladder_there_is_growth_and_nothing_next(phone, alice):
    progress = phone(alice).get("/api/v1/me").json()["progress"]
    assert (progress["growth"], progress["next_tier"], progress["next_review"]) == (0, None, None)


@pytest.mark.parametrize("orders", [1, 15])
def test_where_one_stands_costs_as_many_queries_however_much_happened(
    phone, alice, gold, orders, django_assert_num_queries
):
    for number in range(orders):
        grow(100 + number)
    client = phone(alice)
    client.get("/api/v1/me")
    with django_assert_num_queries(4):
        assert client.get("/api/v1/me").json()["progress"]["next_review"]


# History --------------------------------------------------------------------------------------------------------------


def test_alice_sees_how_her_tier_changed_newest_first(phone, alice, gold):
    results = phone(alice).get("/api/v1/me/tier-history").json()["results"]
    newest = results[0]
    assert (newest["before"]["code"], newest["after"]["code"]) == ("registered", "gold")
    assert (newest["reason"], newest["growth"], newest["provisional"]) == ("growth", 12_066, False)
    assert newest["reference"] == "order:alice-12066"
    assert newest["at"].endswith("Z")
    assert newest["until"].endswith("Z")
    assert (results[-1]["before"], results[-1]["reason"]) == (None, "joined")


def test_only_the_shop_reads_the_note_of_a_decision(server, phone, alice, gold):
    set_silver()
    theirs = server.get("/api/v1/members/alice/tier-history").json()["results"][0]
    mine = phone(alice).get("/api/v1/me/tier-history").json()["results"][0]
    assert (theirs["reason"], theirs["note"]) == ("override", "She complained.")
    assert "note" not in mine
    assert mine == {name: value for name, value in theirs.items() if name != "note"}


def test_nobody_sees_the_history_of_another(phone, server, alice, charlie, gold):
    assert phone(charlie).get("/api/v1/me/tier-history").json()["results"] == []
    assert phone(charlie).get("/api/v1/members/alice/tier-history").status_code == 401
    assert server.get("/api/v1/members/nobody/tier-history").status_code == 404
    assert shop("writer", ["members:write"]).get("/api/v1/members/alice/tier-history").status_code == 403


def test_history_is_read_page_by_page_and_costs_the_same(phone, alice, gold, django_assert_num_queries):
    set_silver()
    client = phone(alice)
    first = client.get("/api/v1/me/tier-history?limit=2").json()
    rest = client.get(first["next"]).json()["results"]
    assert [len(first["results"]), len(rest)] == [2, 1]
    with django_assert_num_queries(2):
        client.get("/api/v1/me/tier-history")
