"""Insight and prospects at the merchants' site: groups for all, members by consent, and every look is kept."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from common import clock
from common.models import Staff
from common.tests.seen import agree
from loyalty.models import Score, ScoreThreshold
from members.models import Consent
from merchants.models import InsightAccess, ProspectOffer
from merchants.selectors import insights as selector
from merchants.services import prospects
from merchants.tests.admin.test_frame import a_person
from merchants.tests.buyers import a_club, a_member, a_merchant, bought, consents

pytestmark = pytest.mark.django_db


@pytest.fixture
def mine():
    return a_merchant(a_person().merchant_role.merchant.code, "mine-1")


def client(role="operator"):
    client = Client()
    client.force_login(a_person(f"{role}-person", role))
    return client


def at(name, *args, **options):
    return reverse(f"merchant:merchants_{name}", args=args, **options)


def yesterday():
    return clock.local_date(timezone.now()) - dt.timedelta(days=1)


def test_the_page_shows_groups_and_sales(mine):
    quarter = selector.quarters(timezone.now())[0]
    for number in range(12):
        bought(a_member(f"buyer-{number}"), "mine-1", 1000, on=quarter)
    bought(a_member("buyer-1"), "mine-1", 77700, on=yesterday(), category="toys")
    said = client().get(at("insightreport_changelist")).content.decode()
    assert "120.00 CNY" in said
    assert "777.00 CNY" in said
    assert "Favourite category" in said


def test_too_few_buyers_are_said_to_be_too_few(mine):
    assert "Too few buyers" in client().get(at("insightreport_changelist")).content.decode()


def test_only_who_agreed_is_listed_and_a_look_is_written_down(mine):
    alice, _charlie = a_member("alice"), a_member("charlie")
    consents(alice, Consent.Purpose.INSIGHT, mine.code)
    bought(alice, "mine-1", 12300, on=yesterday())
    ScoreThreshold.objects.create(code="good", name="Good", value=1000)
    Score.objects.create(
        member=alice, counted_on=yesterday(), value=4711, settled=4711, settled_month=yesterday().replace(day=1)
    )
    browser = client()
    listed = browser.get(at("insightreport_members")).content.decode()
    assert "Alice" in listed
    assert "Charlie" not in listed
    assert not InsightAccess.objects.exists()
    said = browser.get(at("insightreport_member", "alice")).content.decode()
    assert "123.00 CNY" in said
    assert "Good" in said
    assert "4711" not in said.replace(",", "")
    assert InsightAccess.objects.get().staff.username == "operator-person"
    assert browser.get(at("insightreport_member", "charlie")).status_code == 404
    Consent.objects.update(withdrawn_at=timezone.now())
    assert browser.get(at("insightreport_member", "alice")).status_code == 404
    assert "Alice" not in browser.get(at("insightreport_members")).content.decode()


def test_operators_see_every_look(mine):
    consents(a_member("alice"), Consent.Purpose.INSIGHT, mine.code)
    client().get(at("insightreport_member", "alice"))
    operator = Client()
    operator.force_login(Staff.objects.create_user("olga", is_staff=True, is_superuser=True, site=Staff.Site.OPERATORS))
    said = operator.get(reverse("admin:merchants_insightaccess_changelist")).content.decode()
    assert "Alice" in said
    assert "operator-person" in said


@pytest.mark.parametrize("role", ["viewer", "finance"])
def test_a_role_without_insight_sees_none(mine, role):
    browser = client(role)
    for address in (
        at("insightreport_changelist"),
        at("insightreport_members"),
        at("insightreport_member", "alice"),
        at("prospectcount_changelist"),
        at("insightaccess_changelist"),
    ):
        assert browser.get(address).status_code == 403


def test_prospects_and_an_offer_to_them(mine):
    browser = client()
    assert "not counted yet" in browser.get(at("prospectcount_changelist")).content.decode()
    last_month = clock.month_start(clock.local_date(timezone.now())) - dt.timedelta(days=1)
    a_merchant("other")
    for number in range(14):
        bought(a_member(f"buyer-{number}"), "other", 1000, on=last_month)
    bought(a_member("own"), "mine-1", 1000, on=last_month)
    prospects.count_buyers(timezone.now(), timezone.now())
    said = browser.get(at("prospectcount_changelist")).content.decode()
    assert "10 or more" in said
    assert "buyer-1" not in said
    form = {
        "title": "For readers", "message": "Hello", "club": a_club(mine).pk, "category": "books",
        "starts_at_0": "2020-01-01", "starts_at_1": "00:00:00", "ends_at_0": "2999-01-01", "ends_at_1": "00:00:00",
    }  # fmt: skip
    assert browser.post(at("prospectoffer_add"), form).status_code == 302
    offer = ProspectOffer.objects.get()
    assert (offer.merchant, offer.status) == (mine, "draft")
    assert "Show this offer?" in browser.get(at("prospectoffer_start", offer.pk)).content.decode()
    agree(browser, at("prospectoffer_start", offer.pk))
    offer.refresh_from_db()
    assert offer.status == "running"
    assert "fewer than 10 / fewer than 10" in browser.get(at("prospectoffer_changelist")).content.decode()
    browser.post(at("prospectoffer_stop", offer.pk))
    offer.refresh_from_db()
    assert offer.status == "stopped"
