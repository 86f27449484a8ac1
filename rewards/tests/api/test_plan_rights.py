"""A partner's right of a plan, as the member's app sees and claims it."""

import datetime as dt

import pytest
from django.utils import timezone

from members.models import PlanPurchase
from members.tests.plus import buy, direct, plus
from rewards.tests.shop import a_pool, a_reward

pytestmark = pytest.mark.django_db


@pytest.fixture
def purchase(alice) -> PlanPurchase:
    direct()
    now = timezone.now()
    offer = plus(starts_at=now - dt.timedelta(days=1))
    video = a_reward("video-year", name="A year of video", kind="partner", validity_days=365)
    a_pool(video, "V-1")
    offer.rights.create(reward=video, price=6_000)
    return buy(alice, offer, now)


def test_a_member_sees_claims_and_sees_again_what_comes_with_the_plan(alice, phone, purchase):
    app = phone(alice)
    (plan,) = app.get("/api/v1/me/plan").json()
    assert plan["offers"][0]["rights"] == [{"reward": "video-year", "name": "A year of video", "price": 6_000}]
    (right,) = plan["rights"]
    assert (right["state"], right["code"], right["price"]) == ("open", "", 6_000)
    assert right["claim_until"] == plan["until"]
    body = {"purchase": str(purchase.uuid), "reward": "video-year"}
    done = app.post("/api/v1/me/plan/rights", body)
    assert (done.status_code, done.json()["state"], done.json()["code"]) == (201, "claimed", "V-1")
    again = app.post("/api/v1/me/plan/rights", body)
    assert (again.status_code, again.json()) == (200, done.json())
    assert app.get("/api/v1/me/plan").json()[0]["rights"] == [done.json()]
    shown = app.get(f"/api/v1/me/plan/purchases/{purchase.uuid}/refund").json()
    assert (shown["used"], shown["claimed"], shown["to"], shown["refund"]) == (True, 6_000, "member", 0)


def test_charlie_cannot_claim_alices_right(charlie, phone, purchase):
    body = {"purchase": str(purchase.uuid), "reward": "video-year"}
    assert phone(charlie).post("/api/v1/me/plan/rights", body).status_code == 404


def test_an_account_that_is_not_asked_for_is_pointed_at(alice, phone, purchase):
    body = {"purchase": str(purchase.uuid), "reward": "video-year", "account": "alice@video"}
    refused = phone(alice).post("/api/v1/me/plan/rights", body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/account")
