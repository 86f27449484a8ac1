import datetime as dt

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from common import clock
from members.models import Consent
from merchants.models import InsightAccess, ProspectOffer
from merchants.selectors import insights as selector
from merchants.services import prospects
from merchants.tests.admin.test_frame import a_person
from merchants.tests.buyers import DAY, a_club, a_member, a_merchant, bought, consents

pytestmark = pytest.mark.django_db
URL = "/api/v1/merchant/insights"


@pytest.fixture
def mine():
    return a_merchant(a_person().merchant_role.merchant.code, "mine-1")


def caller(role="operator"):
    client = APIClient()
    client.force_login(a_person(f"{role}-person", role))
    return client


def yesterday():
    return clock.local_date(timezone.now()) - dt.timedelta(days=1)


def test_a_consenting_members_insight_is_told_and_she_sees_who_looked(mine, alice, phone):
    bought(alice, "mine-1", 5000, on=yesterday())
    consents(alice, Consent.Purpose.INSIGHT, mine.code)
    answer = caller().get(f"{URL}/members/alice").json()
    assert (answer["cash"], answer["score_band"]) == (5000, "none")
    assert answer["categories"] == [{"category": "books", "permille": 1000}]
    looks = phone(alice).get("/api/v1/me/insight-accesses").json()["results"]
    assert [(look["merchant_code"], look["what"]) for look in looks] == [(mine.code, "member")]


def test_the_other_member_does_not_see_it(mine, alice, bob, phone):
    consents(alice, Consent.Purpose.INSIGHT, mine.code)
    caller().get(f"{URL}/members/alice")
    assert phone(bob).get("/api/v1/me/insight-accesses").json()["results"] == []


def test_without_consent_a_member_is_as_unknown_as_nobody(mine, charlie):
    consents(charlie, Consent.Purpose.INSIGHT, "another")
    client = caller()
    answers = [client.get(f"{URL}/members/{name}") for name in ("charlie", "nobody")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()
    assert not InsightAccess.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "finance"])
def test_only_those_with_the_deed_may_look(mine, role):
    client = caller(role)
    for address in (URL, f"{URL}/prospects", f"{URL}/members/alice"):
        assert client.get(address).status_code == 403


def test_groups_of_a_quarter_are_told(mine):
    quarter = selector.quarters(timezone.now())[1]
    for number in range(10):
        bought(a_member(f"buyer-{number}"), "mine-1", 1000, on=quarter)
    client = caller()
    answer = client.get(URL, {"quarter": quarter.isoformat()}).json()
    assert (answer["buyers"], answer["cash"]) == (10, 10_000)
    assert answer["category"] == [{"group": "books", "members": 10, "cash": 10_000}]
    assert client.get(URL).json()["buyers"] is None


@pytest.mark.parametrize(("quarter", "status"), [("2001-01-01", 404), ("soon", 422)])
def test_a_quarter_that_is_none_is_refused(mine, quarter, status):
    assert caller().get(URL, {"quarter": quarter}).status_code == status


def test_prospects_are_told_as_numbers_once_they_are_counted(mine):
    client = caller()
    assert client.get(f"{URL}/prospects").status_code == 503
    last_month = clock.month_start(clock.local_date(timezone.now())) - dt.timedelta(days=1)
    a_merchant("other")
    for number in range(11):
        bought(a_member(f"buyer-{number}"), "other", 1000, on=last_month)
    bought(a_member("own"), "mine-1", 1000, on=last_month)
    prospects.count_buyers(timezone.now(), timezone.now())
    (row,) = client.get(f"{URL}/prospects").json()
    assert (row["category"], row["members"], row["by_order_days"]["1"]) == ("books", 10, 10)


def test_a_member_is_shown_offers_by_what_she_buys(mine, alice, bob, phone):
    now = timezone.now()
    last_month = clock.month_start(clock.local_date(now)) - dt.timedelta(days=1)
    for member in (alice, bob):
        bought(member, a_merchant("other").code, 1000, on=last_month)
    prospects.count_buyers(now, now)
    ProspectOffer.objects.create(
        merchant=mine, club=a_club(mine), category="books", title="For readers", message="Hello", status="running",
        starts_at=now - DAY, ends_at=now + DAY,
    )  # fmt: skip
    consents(alice, Consent.Purpose.PERSONALISE)
    (offer,) = phone(alice).get("/api/v1/me/offers").json()
    assert (offer["title"], offer["membership_name"]) == ("For readers", mine.clubs.get().name)
    assert phone(bob).get("/api/v1/me/offers").json() == []
