"""A member sees what she was given; the server sees the held-out too, and what campaigns there are."""

import datetime as dt

import pytest
from django.utils import timezone

from common.models import ApiKey
from loyalty.services import campaign_undos, gift_sends
from loyalty.tests.api.callers import member, shop
from loyalty.tests.gifting import a_draft, person, started
from members.services import members

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(alice, bob):
    """Alice is treated and Bob is held out, by this seed."""
    now = timezone.now()
    campaign = started(
        code="spring", holdout_percent=50, seed=_seed(), starts_at=now, ends_at=now + dt.timedelta(days=9)
    )
    gift_sends.give(campaign, now, now)
    return campaign


def _seed() -> str:
    for number in range(100):
        draft = a_draft(holdout_percent=50, seed=f"{number:032}")
        if gift_sends.is_held_out(draft, "bob") and not gift_sends.is_held_out(draft, "alice"):
            return draft.seed
    raise AssertionError("chance has fallen asleep")


def test_a_member_sees_her_gift_and_not_that_she_was_held_out(phone, alice, bob, campaign):
    (gift,) = phone(alice).get("/api/v1/me/gifts").json()["results"]
    assert (gift["campaign"], gift["name"], gift["points"], gift["taken_back"]) == ("spring", "Spring gift", 100, 0)
    assert not {"group", "measured_until", "id"} & gift.keys()
    assert phone(bob).get("/api/v1/me/gifts").json()["results"] == []
    assert phone(member("charlie")).get("/api/v1/me/gifts").json()["results"] == []


def test_gifts_from_before_a_merge_are_still_seen(phone, server, alice, bob, campaign):
    members.merge("alice", "bob", timezone.now())
    (gift,) = phone(bob).get("/api/v1/me/gifts").json()["results"]
    assert (gift["campaign"], gift["points"]) == ("spring", 100)
    groups = [row["group"] for row in server.get("/api/v1/members/bob/gifts").json()["results"]]
    assert sorted(groups) == ["held_out", "treated"]


def test_the_server_sees_both_groups(server, alice, bob, campaign):
    groups = {
        name: [row["group"] for row in server.get(f"/api/v1/members/{name}/gifts").json()["results"]]
        for name in ("alice", "bob")
    }
    assert groups == {"alice": ["treated"], "bob": ["held_out"]}
    assert server.get("/api/v1/members/nobody/gifts").status_code == 404


def test_what_was_undone_is_told(phone, alice, campaign):
    now = timezone.now()
    undo = campaign_undos.propose(campaign, "unspent", reason="Wrong", actor=person("orla"), at=now)
    campaign_undos.carry_out(campaign_undos.approve(undo, person("rhoda"), now), now)
    assert phone(alice).get("/api/v1/me/gifts").json()["results"][0]["taken_back"] == 100


def test_the_server_lists_campaigns_without_drafts(server, campaign):
    (listed,) = server.get("/api/v1/gift-campaigns").json()["results"]
    assert (listed["code"], listed["status"], listed["treated"], listed["held_out"]) == ("spring", "ended", 1, 1)
    assert "seed" not in listed


def test_a_key_needs_the_scope(campaign):
    writer = shop("writer", [ApiKey.Scope.EVENTS_WRITE])
    for path in ("gift-campaigns", "members/alice/gifts"):
        assert writer.get(f"/api/v1/{path}").status_code == 403


@pytest.mark.parametrize("gifts", [1, 6])
def test_a_page_costs_the_same_whatever_its_size(server, alice, gifts, django_assert_max_num_queries):
    now = timezone.now()
    for _number in range(gifts):
        gift_sends.give(started(starts_at=now, ends_at=now + dt.timedelta(days=9)), now, now)
    with django_assert_max_num_queries(7):
        assert len(server.get("/api/v1/members/alice/gifts").json()["results"]) == gifts
