"""Plans as the member's app and the shop's server see them."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common.models import Fact
from loyalty.tests.stage import line, order, send
from members.models import Plan, PlanPurchase, Subscription
from members.tests.plus import direct, plus
from merchants.models import MemberPrice, Merchant, Store

pytestmark = pytest.mark.django_db
OVER_4500 = {"kind": "score", "above": 4_500, "amount": 5_000}


@pytest.fixture
def offer():
    direct()
    return plus(starts_at=timezone.now() - dt.timedelta(days=1), trial_days=30, discounts=[OVER_4500])


@pytest.fixture
def app(alice, phone, offer):
    return phone(alice)


def bought(app, server, payment="pay-1"):
    quote = app.post("/api/v1/me/plan/quotes", {"offer": "plus-year"}).json()
    purchase = app.post("/api/v1/me/plan/purchases", {"quote": quote["quote"]}).json()
    return server.post(f"/api/v1/plan-purchases/{purchase['purchase']}/pay", {"payment": payment}).json()


def test_a_member_sees_what_a_plan_costs_and_why_it_cannot_be_bought(app, offer):
    offer.least_credit = 30
    offer.save()
    (row,) = app.get("/api/v1/me/plan").json()
    assert (row["plan"], row["until"], row["estimate"]) == ("plus", None, None)
    (found,) = row["offers"]
    assert (found["fee"], found["price"], found["discount"]) == (14_900, 14_900, None)
    assert not found["available"]
    assert found["reasons"][0]["code"] == "credit_too_low"
    refused = app.post("/api/v1/me/plan/quotes", {"offer": "plus-year"})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_eligible")
    assert refused.json()["reasons"][0]["code"] == "credit_too_low"


def test_quote_purchase_and_payment_make_a_term(app, server):
    paid = bought(app, server)
    assert (paid["status"], paid["price"]) == ("paid", 14_900)
    assert paid["starts_at"] < paid["ends_at"]
    (row,) = app.get("/api/v1/me/plan").json()
    assert row["until"] == paid["ends_at"]
    assert row["saved"]["total"] == 0


def test_a_payment_sent_twice_buys_one_term(app, server):
    assert bought(app, server)["status"] == "paid"
    again = server.post(f"/api/v1/plan-purchases/{PlanPurchase.objects.get().uuid}/pay", {"payment": "pay-1"})
    assert again.status_code == 200
    assert Subscription.objects.count() == 1


def test_another_members_quote_and_purchase_are_not_found(app, server, charlie, phone):
    quote = app.post("/api/v1/me/plan/quotes", {"offer": "plus-year"}).json()["quote"]
    other = phone(charlie)
    assert other.post("/api/v1/me/plan/purchases", {"quote": quote}).status_code == 404
    purchase = bought(app, server)["purchase"]
    assert other.get(f"/api/v1/me/plan/purchases/{purchase}/refund").status_code == 404
    assert other.post(f"/api/v1/me/plan/purchases/{purchase}/refund", {}).status_code == 404


def test_a_member_hears_what_comes_back_and_gets_just_that(app, server):
    purchase = bought(app, server)["purchase"]
    shown = app.get(f"/api/v1/me/plan/purchases/{purchase}/refund").json()
    assert (shown["refund"], shown["policy"], shown["used"]) == (14_900, "unused", False)
    body = {"reason": "changed my mind", "refund": shown["refund"]}
    back = app.post(f"/api/v1/me/plan/purchases/{purchase}/refund", body).json()
    assert (back["status"], back["refund"]) == ("refunded", 14_900)
    assert app.post(f"/api/v1/me/plan/purchases/{purchase}/refund", body).json()["code"] == "purchase_not_paid"


def test_the_trial_is_one_in_a_lifetime(app):
    assert app.post("/api/v1/me/plan/trial", {"offer": "plus-year"}).json()["kind"] == "trial"
    again = app.post("/api/v1/me/plan/trial", {"offer": "plus-year"})
    assert (again.status_code, again.json()["code"]) == (409, "no_trial")


def test_a_code_nobody_made_is_refused_without_a_hint(app):
    refused = app.post("/api/v1/me/plan/vouchers", {"code": "NOTACODE234567"})
    assert (refused.status_code, refused.json()["code"]) == (409, "voucher_not_good")


def test_renewal_is_agreed_and_ended_by_the_member_alone(app, server):
    assert app.put("/api/v1/me/plan/renewal", {"offer": "plus-year"}).json()["code"] == "cannot_renew"
    bought(app, server)
    assert app.put("/api/v1/me/plan/renewal", {"offer": "plus-year"}).status_code == 204
    assert app.get("/api/v1/me/plan").json()[0]["renews"] == "plus-year"
    asked = server.get("/api/v1/members/alice/plan/renewal?offer=plus-year").json()
    assert (asked["fee"], asked["available"], asked["reasons"][0]["code"]) == (14_900, False, "no_notice")
    refused = server.post("/api/v1/members/alice/plan/renew", {"offer": "plus-year", "payment": "pay-2"})
    assert (refused.status_code, refused.json()["reasons"][0]["code"]) == (409, "no_notice")
    assert app.delete("/api/v1/me/plan/renewal").status_code == 204
    assert app.get("/api/v1/me/plan").json()[0]["renews"] is None
    refused = server.post("/api/v1/members/alice/plan/renew", {"offer": "plus-year", "payment": "pay-2"})
    assert refused.json()["code"] == "renewal_not_agreed"


def test_an_offer_that_is_not_on_sale_is_not_found(app, offer):
    offer.status = "retired"
    offer.save()
    assert app.post("/api/v1/me/plan/quotes", {"offer": "plus-year"}).status_code == 404
    assert app.get("/api/v1/me/plan").json() == []


def test_a_purchase_is_told(app, server):
    bought(app, server)
    assert Fact.objects.get(topic="plan.bought").payload["offer"] == "plus-year"


def test_a_refund_of_another_amount_than_was_shown_does_not_happen(app, server):
    purchase = bought(app, server)["purchase"]
    refused = app.post(f"/api/v1/me/plan/purchases/{purchase}/refund", {"refund": 14_000})
    assert (refused.status_code, refused.json()["code"], refused.json()["refund"]) == (409, "refund_changed", 14_900)
    assert PlanPurchase.objects.get().status == "paid"


def test_a_payment_that_paid_for_something_else_is_named(app, server):
    bought(app, server)
    assert bought(app, server)["code"] == "payment_used"


def saved_by(app, orders: int) -> dict:
    """The plan as the app shows it after so many orders of 100.00, of which the plan saves 20.00 each."""
    now = timezone.now()
    acme = Merchant.objects.create(code="acme", name="Acme")
    Store.objects.create(merchant=acme, code="acme-shop", name="Acme")
    price = {"sku": "sku-1", "who": "plan", "price": 8_000, "created_at": now, "changed_at": now}
    MemberPrice.objects.create(merchant=acme, plan=Plan.objects.get(), starts_at=now - dt.timedelta(days=90), **price)
    for number in range(orders):
        content = order(f"o-{number}", line(1, 10_000, store="acme-shop"))
        assert send("order.completed", at=now - dt.timedelta(days=9), **content)["status"] == "applied"
    return app.get("/api/v1/me/plan").json()[0]


def test_an_offer_says_what_it_would_save_from_when_it_pays_and_on_what_basis(app, offer):
    plan = saved_by(app, 3)
    assert (plan["estimate"]["total"], plan["estimate"]["orders"]) == (6_000, 3)
    assert plan["estimate"]["basis"].startswith("Based on your 3 orders from ")
    (row,) = plan["offers"]
    # 60.00 on 300.00: the fee of 149.00 comes in at a spend of 745.00.
    assert (row["saves"], row["net"], row["break_even"]) == (6_000, 6_000 - 14_900, 74_500)


def test_a_month_is_held_against_a_months_share_of_the_saving(app, offer):
    offer.term_days = 30
    offer.save()
    (row,) = saved_by(app, 3)["offers"]
    assert row["saves"] == 6_000 * 30 // 365


def test_nothing_is_claimed_for_two_orders_not_even_others_savings(app, offer):
    plan = saved_by(app, 2)
    assert plan["estimate"] is None
    assert [plan["offers"][0][name] for name in ("saves", "net", "break_even")] == [None] * 3


def test_many_offers_of_a_plan_cost_as_many_queries_as_one(app, offer):
    offer.most_a_year = 2
    offer.save()
    app.get("/api/v1/me/plan")  # what is read once and kept
    with CaptureQueriesContext(connection) as few:
        app.get("/api/v1/me/plan")
    for number in range(6):
        plus(code=f"plus-{number}", starts_at=offer.starts_at, most_a_year=2, discounts=[OVER_4500])
    with CaptureQueriesContext(connection) as many:
        (row,) = app.get("/api/v1/me/plan").json()
    assert len(row["offers"]) == 7
    assert len(many) == len(few)
