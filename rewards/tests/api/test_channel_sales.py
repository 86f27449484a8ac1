"""A bank sells PLUS by itself, and sees its own alone. Charlie is an airline (domain.md S1-24, E55)."""

import datetime as dt

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from common.models import ApiKey, AuditEntry, Fact
from common.services import audit
from loyalty.tests.api.callers import shop
from members.models import Voucher
from members.services import sales_channels
from members.tests.plus import a_batch, a_channel, direct, plus

pytestmark = pytest.mark.django_db
SALES = "/api/v1/channel/sales"


def caller(channel) -> APIClient:
    _key, text = sales_channels.issue_key(channel, channel.name, audit.Actor("Olivia"), timezone.now())
    return APIClient(headers={"Authorization": f"Key {text}"})


@pytest.fixture
def offer():
    direct()
    return plus(starts_at=timezone.now() - dt.timedelta(days=1), refunds="prorata")


@pytest.fixture
def bank(offer):
    channel = a_channel()
    a_batch(offer, channel=channel, delivery="api", expires_at=timezone.now() + dt.timedelta(days=90))
    return caller(channel)


@pytest.fixture
def airline(offer):
    return caller(a_channel("airline", kind="airline"))


def sold(bank, reference="A-1"):
    return bank.post(SALES, {"reference": reference, "offer": "plus-year"}).json()


def month() -> str:
    return f"{timezone.localtime():%Y-%m}"


def test_a_bank_sees_its_stock_and_sells_from_it(bank):
    assert bank.get("/api/v1/channel/stock").json()[0] == {
        "offer": "plus-year",
        "name": "PLUS, a year",
        "term_days": 365,
        "left": 3,
    }
    answer = bank.post(SALES, {"reference": "A-1", "offer": "plus-year"})
    assert (answer.status_code, answer.json()["state"], answer.json()["price"]) == (201, "sold", 12_000)
    assert answer.json()["refund"] == 0
    again = bank.post(SALES, {"reference": "A-1", "offer": "plus-year"})
    assert (again.status_code, again.json()) == (200, answer.json())
    assert bank.get("/api/v1/channel/stock").json()[0]["left"] == 2
    assert [row["reference"] for row in bank.get(SALES).json()["results"]] == ["A-1"]


def test_a_printed_code_is_activated(bank):
    code = Voucher.objects.first().code
    assert bank.post(SALES, {"reference": "A-1", "code": code}).json()["code"] == code
    refused = bank.post(SALES, {"reference": "A-2", "code": code})
    assert (refused.status_code, refused.json()["code"]) == (409, "code_not_for_sale")


def test_a_sale_names_either_an_offer_or_a_code(bank):
    for body in ({"reference": "A-1"}, {"reference": "A-1", "offer": "plus-year", "code": "X"}):
        assert bank.post(SALES, body).status_code == 422


def test_the_same_key_sells_once_and_says_so(bank):
    answers = [
        bank.post(SALES, {"reference": "A-1", "offer": "plus-year"}, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, "true"]
    assert Voucher.objects.exclude(sold_at=None).count() == 1


def test_an_unredeemed_code_is_cancelled_for_nothing(bank, alice, phone):
    sale = sold(bank)
    for _twice in range(2):
        done = bank.post(f"{SALES}/A-1/cancel", {"reason": "changed their mind"})
        assert (done.status_code, done.json()["state"]) == (200, "cancelled")
    refused = phone(alice).post("/api/v1/me/plan/vouchers", {"code": sale["code"]})
    assert refused.json()["code"] == "voucher_not_good"
    assert bank.get(f"/api/v1/channel/statement?month={month()}").json()["due"] == 0


def test_what_was_redeemed_is_owed_and_its_refund_comes_back_to_the_bank(bank, alice, phone):
    app, sale = phone(alice), sold(bank)
    purchase = app.post("/api/v1/me/plan/vouchers", {"code": sale["code"]}).json()
    assert bank.get(f"{SALES}/A-1").json()["state"] == "redeemed"
    statement = bank.get(f"/api/v1/channel/statement?month={month()}").json()
    assert (statement["sold"], statement["owed"], statement["due"]) == (1, 12_000, 12_000)
    shown = app.get(f"/api/v1/me/plan/purchases/{purchase['purchase']}/refund").json()
    assert (shown["refund"], shown["to"]) == (12_000, "channel")
    done = bank.post(f"{SALES}/A-1/cancel", {"reason": "points were taken back"}).json()
    assert (done["state"], done["refund"]) == ("refunded", 12_000)
    assert bank.post(f"{SALES}/A-1/cancel", {}).json() == done
    told = Fact.objects.get(topic="plan.refunded").payload
    assert (told["refund"], told["to"]) == (12_000, "channel")
    (term,) = bank.get(f"/api/v1/channel/terms?month={month()}").json()["results"]
    assert (term["reference"], term["price"], term["refund"]) == ("A-1", 12_000, 12_000)
    assert bank.get(f"/api/v1/channel/statement?month={month()}").json()["due"] == 0
    assert AuditEntry.objects.get(action="members.plan_purchases.refund").actor_label == "API key Bank"


def test_a_term_of_which_nothing_comes_back_is_not_cancelled(bank, alice, phone, offer):
    offer.refunds, offer.refund_days = "unused", 0
    offer.save()
    phone(alice).post("/api/v1/me/plan/vouchers", {"code": sold(bank)["code"]})
    refused = bank.post(f"{SALES}/A-1/cancel", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "no_refund_due")
    assert bank.get(f"{SALES}/A-1").json()["state"] == "redeemed"


def test_members_are_never_named_to_a_channel(bank, alice, phone):
    phone(alice).post("/api/v1/me/plan/vouchers", {"code": sold(bank)["code"]})
    for address in (SALES, f"{SALES}/A-1", f"/api/v1/channel/terms?month={month()}"):
        assert "alice" not in bank.get(address).content.decode().lower()


def test_charlies_airline_sees_and_moves_nothing_of_the_banks(bank, airline, alice, phone):
    sale = sold(bank)
    phone(alice).post("/api/v1/me/plan/vouchers", {"code": sale["code"]})
    assert airline.get("/api/v1/channel/stock").json() == []
    assert airline.get(SALES).json()["results"] == []
    assert airline.get(f"{SALES}/A-1").status_code == 404
    assert airline.post(f"{SALES}/A-1/cancel", {}).status_code == 404
    assert airline.get(f"/api/v1/channel/terms?month={month()}").json()["results"] == []
    assert airline.get(f"/api/v1/channel/statement?month={month()}").json()["owed"] == 0
    free = Voucher.objects.filter(sold_at=None).first().code
    for body in ({"reference": "B-1", "code": free}, {"reference": "B-1", "code": sale["code"]}):
        assert airline.post(SALES, body).json()["code"] == "code_not_for_sale"
    assert airline.post(SALES, {"reference": "B-1", "offer": "plus-year"}).json()["code"] == "no_code_left"


def test_a_channels_key_opens_nothing_else_and_no_other_key_opens_the_channel(bank, server, alice):
    for address in ("/api/v1/members", "/api/v1/members/alice", "/api/v1/members/alice/statement"):
        assert bank.get(address).status_code == 403
    assert bank.post("/api/v1/events", {}).status_code == 403
    assert shop("shop", [ApiKey.Scope.POINTS_WRITE]).get(SALES).status_code == 403
    assert server.get(SALES).status_code == 403  # every scope, and no channel


@pytest.mark.parametrize("text", ["", "2026", "2026-13", "9999-12", "0001-01", "2026-3"])
def test_a_month_that_is_none_is_pointed_at(bank, text):
    refused = bank.get("/api/v1/channel/statement", {"month": text})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/month")


def test_a_revoked_key_sells_no_more(bank):
    ApiKey.objects.update(revoked_at=timezone.now())
    assert bank.get(SALES).status_code == 401


def test_lists_take_the_same_queries_for_one_sale_and_for_three(bank, django_assert_max_num_queries):
    for number in range(3):
        sold(bank, f"A-{number}")
    with django_assert_max_num_queries(4):
        assert len(bank.get(SALES).json()["results"]) == 3
