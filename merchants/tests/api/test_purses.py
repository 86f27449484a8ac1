"""The purse over the API: balance, lots, statement, purchases; own ones only, each deed by its role."""

import datetime as dt
import uuid

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from loyalty.tests.cast import NOON
from loyalty.tests.stage import STAFF
from merchants.models import Merchant, PointPack, PointPurchase
from merchants.services import pockets, purchases, purses
from merchants.tests.admin.test_frame import a_person
from merchants.tests.purse_strings import a_merchant, a_purse

pytestmark = pytest.mark.django_db
URL = "/api/v1/merchant/purse"
NOW = {"actor": STAFF, "at": timezone.now()}


def caller(name="bea", role="owner"):
    client = APIClient()
    client.force_login(a_person(name, role))
    return client


@pytest.fixture
def owner():
    return caller()


@pytest.fixture
def purse(owner):
    """1,000 points, 300 of them set aside in two pockets."""
    purse = a_purse(1000, "bobs")
    pockets.open(purse, 300, slots=2, reference="c", at=NOON)
    return purse


def test_the_purse_says_what_is_there_and_what_is_set_aside(owner, purse):
    purses.warn_below(purse, 800, **NOW)
    assert owner.get(URL).json() == {
        "available": 700,
        "set_aside": 300,
        "low_at": 800,
        "is_low": True,
        "closed_at": None,
    }


def test_lots_come_in_the_order_in_which_they_are_given(owner, purse):
    a_purse(50, "bobs", expires_at=timezone.now() + dt.timedelta(days=9))
    lots = owner.get(f"{URL}/lots").json()["results"]
    assert [(lot["remaining"], lot["expires_at"] is None) for lot in lots] == [(50, False), (700, True)]


def test_the_statement_runs_backwards_with_totals_over_its_pages(owner, purse):
    first = owner.get(f"{URL}/statement?limit=2").json()
    assert [(row["what"], row["moved"], row["total"]) for row in first["results"]] == [
        ("set_aside", -150, 1000),
        ("set_aside", -150, 1000),
    ]
    second = owner.get(first["next"]).json()
    assert [(row["what"], row["change"], row["total"]) for row in second["results"]] == [("bought", 1000, 1000)]
    assert owner.get(f"{URL}/statement?month=2020-01").json()["results"] == []
    for month in ("soon", "9999-12"):
        assert owner.get(f"{URL}/statement?month={month}").status_code == 422


def test_points_are_drafted_submitted_and_cancelled(owner):
    made = owner.post(f"{URL}/purchases", {"points": 5000}, format="json")
    assert made.status_code == 201, made.json()
    at = f"{URL}/purchases/{made.json()['purchase']}"
    assert made.json()["total"] == 5000
    assert owner.post(f"{at}/submit").json()["status"] == "submitted"
    assert owner.post(f"{at}/submit").json()["code"] == "purchase_not_open"
    assert [step["step"] for step in owner.get(at).json()["steps"]] == ["drafted", "submitted"]
    assert owner.post(f"{at}/cancel").json()["status"] == "cancelled"
    assert [row["status"] for row in owner.get(f"{URL}/purchases?status=cancelled").json()["results"]] == ["cancelled"]


def test_a_pack_is_named_by_its_code(owner):
    PointPack.objects.create(code="big", name="Big", points=10_000, price=9_000)
    assert owner.post(f"{URL}/purchases", {"pack": "big"}, format="json").json()["price"] == 9_000
    assert owner.post(f"{URL}/purchases", {"pack": "none"}, format="json").json()["errors"][0]["pointer"] == "/pack"
    for body in ({}, {"pack": "big", "points": 5000}, {"points": 1}, {"points": "many"}, {"points": -5000}):
        assert owner.post(f"{URL}/purchases", body, format="json").status_code == 422, body
    assert PointPurchase.objects.count() == 1


def test_a_repeated_draft_with_the_same_key_is_one_purchase(owner):
    for _ in range(2):
        answer = owner.post(f"{URL}/purchases", {"points": 5000}, format="json", headers={"Idempotency-Key": "key-1"})
        assert answer.status_code == 201
    assert PointPurchase.objects.count() == 1


def test_what_is_another_merchants_is_not_found(owner):

    other = purchases.draft(a_merchant("bolt"), points=5000, **NOW)
    for address, method in (
        (f"{other.uuid}", "get"),
        (f"{other.uuid}/submit", "post"),
        (f"{other.uuid}/cancel", "post"),
    ):
        assert getattr(owner, method)(f"{URL}/purchases/{address}").status_code == 404
    assert owner.get(f"{URL}/purchases/{uuid.uuid4()}").status_code == 404
    assert owner.get(f"{URL}/purchases").json()["results"] == []
    other.refresh_from_db()
    assert other.status == "draft"


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_who_may_not_buy_looks_only(role):
    client = caller("vera", role)
    assert client.get(URL).status_code == 200
    assert client.post(f"{URL}/purchases", {"points": 5000}, format="json").status_code == 403


def test_nobody_gets_in_without_a_role():
    assert APIClient().get(URL).status_code == 401


def test_a_list_of_purchases_costs_a_fixed_number_of_queries(owner, django_assert_max_num_queries):

    for _ in range(20):
        purchases.draft(Merchant.objects.get(code="bobs"), points=5000, **NOW)
    with django_assert_max_num_queries(8):
        owner.get(f"{URL}/purchases")
