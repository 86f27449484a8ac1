"""Members and support read whose campaign a point came from; the ledger itself knows neither merchants nor campaigns."""

import pytest
from django.test import Client
from django.utils import timezone

from common.models import Staff
from loyalty.selectors import origins
from loyalty.tests.api.callers import alice, phone, provider
from loyalty.tests.stage import DAY, STAFF
from merchants.services import campaigns, giving
from merchants.tests import buyers
from merchants.tests.campaigning import a_club, a_draft

__all__ = ["alice", "phone", "provider"]

pytestmark = pytest.mark.django_db
SAID = "from Acme's campaign “Spring”"


@pytest.fixture
def given(alice):
    now, club = timezone.now(), a_club()
    card = buyers.a_card(alice, club)
    campaign = campaigns.start(a_draft(club, starts_at=now, ends_at=now + DAY), STAFF, now)
    giving.give(campaign, card, "join", 100, now)
    return campaign


def test_the_statement_and_the_explanation_name_merchant_and_campaign(phone, alice, given):
    (entry,) = phone(alice).get("/api/v1/me/points/transactions").json()["results"]
    assert (entry["points"], entry["because"]) == (100, SAID)
    (row,) = phone(alice).get("/api/v1/me/points/explain").json()["results"]
    assert (row["lot"]["because"], row["lot"]["funder"], row["lot"]["source"]) == (SAID, "merchant", "campaign")


def test_the_members_page_names_them_too(alice, given):
    client = Client()
    client.force_login(Staff.objects.create_superuser("root", password="x", site=Staff.Site.OPERATORS))
    text = client.get(f"/admin/members/member/{alice.pk}/change/").content.decode()
    assert text.count("from Acme&#x27;s campaign “Spring”") >= 2
    assert "<td>Acme</td>" in text


def test_references_of_other_kinds_and_of_no_campaign_stay_as_they_are(given, django_assert_num_queries):
    with django_assert_num_queries(1):
        said = origins.of([giving.reference(given, "join"), "order:o-1", "merchant:acme/settlement/1"])
    assert list(said.values()) == [SAID]
    with django_assert_num_queries(0):
        assert origins.of(["order:o-1"]) == {}
