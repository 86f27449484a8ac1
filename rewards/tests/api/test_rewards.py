"""GET /me/rewards: the catalogue of one member."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from loyalty.tests.api.callers import grant
from rewards.models import Reward
from rewards.tests.shop import a_reward, a_tier

pytestmark = pytest.mark.django_db


def test_every_reward_has_my_price_and_every_reason_why_not(phone, alice):
    grant(alice, 30)
    a_tier("bronze", 1)
    a_reward("mug", points=150, stock=3, unit_cost=500)
    a_reward("five-off", points=20, kind="coupon", validity_days=7)
    answer = phone(alice).get("/api/v1/me/rewards").json()
    coupon, mug = answer["results"]
    assert (coupon["code"], coupon["available"], coupon["valid_days"]) == ("five-off", False, 7)
    assert [(reason["code"], reason["needs"]) for reason in coupon["reasons"]] == [("tier_too_low", "bronze")]
    assert mug["reasons"] == [{"code": "insufficient_points", "detail": "120 points are missing.", "missing": 120}]
    assert (mug["points"], mug["list_points"], mug["price_for"], mug["left"]) == (150, 150, "list", 3)
    assert "unit_cost" not in mug
    assert "id" not in mug


def test_the_catalogue_comes_page_by_page_and_by_kind(phone, alice):
    for number in range(5):
        a_reward(f"gift-{number}", points=10 + number)
    a_reward("trees", kind="donation", points=1)
    mine = phone(alice)
    first = mine.get("/api/v1/me/rewards?limit=2").json()
    assert [reward["code"] for reward in first["results"]] == ["trees", "gift-0"]
    second = mine.get(first["next"]).json()
    assert [reward["code"] for reward in second["results"]] == ["gift-1", "gift-2"]
    gifts = mine.get("/api/v1/me/rewards?kind=donation").json()["results"]
    assert [reward["code"] for reward in gifts] == ["trees"]


def test_only_what_i_can_take_now(phone, alice):
    grant(alice, 100)
    a_reward("cheap", points=100)
    a_reward("dear", points=101)
    a_reward("gone", points=1, stock=0)
    mine = phone(alice)
    assert [r["code"] for r in mine.get("/api/v1/me/rewards?affordable=true").json()["results"]] == ["cheap"]
    assert {r["code"] for r in mine.get("/api/v1/me/rewards?affordable=false").json()["results"]} == {"dear", "gone"}
    assert len(mine.get("/api/v1/me/rewards?affordable=True").json()["results"]) == 1
    assert mine.get("/api/v1/me/rewards?affordable=perhaps").json()["errors"][0]["pointer"] == "/affordable"


def test_one_reward_by_its_code_and_none_that_is_not_visible(phone, alice):
    now = timezone.now()
    a_reward("mug")
    a_reward("draft", status="draft")
    a_reward("soon", visible_from=now + dt.timedelta(hours=1))
    mine = phone(alice)
    assert mine.get("/api/v1/me/rewards/mug").json()["code"] == "mug"
    for code in ("draft", "soon", "nothing"):
        refused = mine.get(f"/api/v1/me/rewards/{code}")
        assert (refused.status_code, refused.json()["code"]) == (404, "unknown_reward")
    assert [r["code"] for r in mine.get("/api/v1/me/rewards").json()["results"]] == ["mug"]


def test_a_full_page_costs_as_many_queries_as_a_short_one(phone, alice, django_assert_num_queries):
    grant(alice, 100)
    Reward.objects.bulk_create(
        [Reward(code=f"r-{n}", name="R", points=n + 1, kind="gift", status="active", limit_day=1) for n in range(500)]
    )
    mine = phone(alice)
    mine.get("/api/v1/me/rewards")
    for limit, affordable in ((1, ""), (200, ""), (1, "&affordable=true"), (200, "&affordable=true")):
        with django_assert_num_queries(9 if affordable else 5):
            answer = mine.get(f"/api/v1/me/rewards?limit={limit}{affordable}")
        assert answer.status_code == 200
        assert len(answer.json()["results"]) in (1, 100, 200)


def test_a_stranger_sees_no_catalogue(client):
    assert client.get("/api/v1/me/rewards").status_code == 401
