"""A plan that was bought by whoever was merged since is the plan of the one who remains (domain.md E55, E58)."""

import datetime as dt

import pytest
from django.utils import timezone

from common.models import Fact
from common.services import outbox
from members.models import PlanPurchase, SalesChannel
from members.services import members
from members.tests.plus import FEE, a_batch, a_channel, buy, direct, plus
from rewards.tests import perks
from rewards.tests.api.test_channel_sales import SALES, caller, sold
from rewards.tests.shop import a_pool, a_reward

pytestmark = pytest.mark.django_db
REFUND = "/api/v1/me/plan/purchases/{}/refund"


@pytest.fixture
def offer(alice, bob, charlie):
    direct()
    offer = plus(starts_at=timezone.now() - dt.timedelta(days=1), trial_days=30, most_a_year=1)
    video = a_reward("video-year", kind="partner", validity_days=365)
    a_pool(video, "V-1")
    offer.rights.create(reward=video, price=6_000)
    return offer


def merge(source, target):
    members.merge(source, target, timezone.now())
    outbox.drain(timezone.now)


def part(source):
    members.unmerge(source, timezone.now())
    outbox.drain(timezone.now)


def until(app):
    (plan,) = app.get("/api/v1/me/plan").json()
    return plan["until"]


def test_who_remains_gives_it_back_and_nobody_else(offer, alice, bob, charlie, phone):
    purchase = buy(alice, offer, timezone.now())
    merge("alice", "bob")
    for deed in ("get", "post"):
        assert getattr(phone(charlie), deed)(REFUND.format(purchase.uuid)).status_code == 404
    assert until(phone(bob)) is not None
    shown = phone(bob).get(REFUND.format(purchase.uuid)).json()
    assert (shown["refund"], shown["used"]) == (FEE, False)
    done = phone(bob).post(REFUND.format(purchase.uuid), {"refund": FEE})
    assert (done.status_code, done.json()["status"], done.json()["refund"]) == (200, "refunded", FEE)
    assert (until(phone(bob)), Fact.objects.filter(topic="plan.refunded").count()) == (None, 1)
    again = phone(bob).post(REFUND.format(purchase.uuid))
    assert (again.status_code, again.json()["code"]) == (409, "purchase_not_paid")


def test_after_two_merges_and_a_parting_it_is_hers_again_who_bought_it(offer, alice, bob, charlie, phone):
    purchase = buy(alice, offer, timezone.now())
    for source, target in (("alice", "bob"), ("bob", "charlie")):
        merge(source, target)
    assert until(phone(charlie)) is not None
    part("alice")
    alice.refresh_from_db()
    assert (until(phone(charlie)), phone(charlie).get(REFUND.format(purchase.uuid)).status_code) == (None, 404)
    assert phone(alice).post(REFUND.format(purchase.uuid)).json()["status"] == "refunded"


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_was_used_before_and_after_the_merge_makes_it_used(offer, alice, bob, phone, server, when):
    perks.grant(perks.benefit("parcel"), offer.plan, quota=1, period="term")
    purchase = buy(alice, offer, timezone.now())
    uses = "/api/v1/members/alice/benefits/parcel/uses"
    if when == "before":
        assert server.post(uses, {"key": "k"}).status_code == 201
    merge("alice", "bob")
    assert server.post(uses, {"key": "l"}).status_code == (409 if when == "before" else 201), "one a term, not two"
    refused = phone(bob).post(REFUND.format(purchase.uuid))
    assert (refused.status_code, refused.json()["code"]) == (409, "no_refund_due")


def test_partners_rights_of_it_are_claimed_by_who_remains(offer, alice, bob, charlie, phone):
    purchase = buy(alice, offer, timezone.now())
    merge("alice", "bob")
    body = {"purchase": str(purchase.uuid), "reward": "video-year"}
    assert phone(charlie).post("/api/v1/me/plan/rights", body).status_code == 404
    assert phone(bob).get("/api/v1/me/plan").json()[0]["rights"][0]["state"] == "open"
    assert phone(bob).post("/api/v1/me/plan/rights", body).json()["code"] == "V-1"


def test_a_merge_gives_no_second_purchase_of_the_year_and_no_second_trial(offer, alice, bob, charlie, phone):
    assert phone(alice).post("/api/v1/me/plan/trial", {"offer": "plus-year"}).status_code == 201
    trial = PlanPurchase.objects.get().subscription
    trial.starts_at, trial.ends_at = timezone.now() - dt.timedelta(days=9), timezone.now() - dt.timedelta(days=1)
    trial.save()
    buy(alice, offer, timezone.now())
    merge("alice", "bob")
    refused = phone(bob).post("/api/v1/me/plan/quotes", {"offer": "plus-year"}).json()
    assert refused["reasons"][0]["code"] == "limit_reached"
    assert phone(bob).post("/api/v1/me/plan/trial", {"offer": "plus-year"}).json()["code"] == "no_trial"
    assert phone(charlie).post("/api/v1/me/plan/trial", {"offer": "plus-year"}).status_code == 201


def test_what_is_paid_after_the_merge_is_bought_for_who_remains(offer, alice, bob, phone, server):
    app = phone(alice)
    quote = app.post("/api/v1/me/plan/quotes", {"offer": "plus-year"}).json()["quote"]
    asked = app.post("/api/v1/me/plan/purchases", {"quote": quote}).json()["purchase"]
    merge("alice", "bob")
    for _twice in range(2):
        assert server.post(f"/api/v1/plan-purchases/{asked}/pay", {"payment": "p"}).json()["status"] == "paid"
    assert until(phone(bob)) is not None
    assert PlanPurchase.objects.get().subscription.member == bob
    assert phone(bob).post(REFUND.format(asked)).json()["refund"] == FEE


def test_a_channel_cancels_its_sale_to_a_merged_member_and_no_other_channel_does(offer, alice, bob, phone):
    bank, airline = caller(a_channel()), caller(a_channel("airline", kind="airline"))
    channel = SalesChannel.objects.get(code="bank")
    a_batch(offer, channel=channel, delivery="api", expires_at=timezone.now() + dt.timedelta(days=90))
    code = sold(bank)["code"]
    assert phone(alice).post("/api/v1/me/plan/vouchers", {"code": code}).status_code == 201
    merge("alice", "bob")
    assert airline.post(f"{SALES}/A-1/cancel").status_code == 404
    assert bank.post(f"{SALES}/A-1/cancel").json()["state"] == "refunded"
    assert until(phone(bob)) is None
    assert Fact.objects.get(topic="plan.refunded").payload["to"] == "channel"
