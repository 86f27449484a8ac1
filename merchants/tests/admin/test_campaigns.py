"""Campaigns at the merchants' site and at the operators': write, preview, start, stop, look; and nothing of others."""

import datetime as dt

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from common.models import AuditEntry, Staff
from common.tests.seen import agree
from loyalty.tests.stage import STAFF
from merchants.models import CardSegment, MerchantCampaign, Message
from merchants.services import campaign_sends, campaigns
from merchants.tests import shops
from merchants.tests.campaigning import a_club, a_draft, cards, purse

pytestmark = pytest.mark.django_db
NAMES = [f"m-{n}" for n in range(6)]


def signed_in(name="sam", merchant="acme", role="owner"):
    client = Client()
    client.force_login(shops.staff(name, merchant, role))
    return client


@pytest.fixture
def club(db):
    return a_club()


@pytest.fixture
def acme(club):
    return signed_in()


def now():
    return timezone.now()


def draft(club, **values):
    return a_draft(club, **({"starts_at": now(), "ends_at": now() + dt.timedelta(days=30)} | values))


def page(verb, *args, site="merchant", model="merchantcampaign"):
    return reverse(f"{site}:merchants_{model}_{verb}", args=args)


def form(club, **values):
    start = timezone.localtime(now())
    data = {
        "name": "Spring", "club": club.pk, "mode": "promotion", "trigger": "order", "audience": "all", "points": 3,
        "money_unit": "10.00", "least_cash": "", "cap": "", "budget": 500, "days": 90,
        "starts_at_0": start.strftime("%Y-%m-%d"), "starts_at_1": "00:00:00",
        "ends_at_0": (start + dt.timedelta(days=9)).strftime("%Y-%m-%d"), "ends_at_1": "00:00:00",
    }  # fmt: skip
    return data | values


def test_a_draft_is_written_with_money_as_money(acme, club):
    answer = acme.post(page("add"), form(club))
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    campaign = MerchantCampaign.objects.get()
    assert (campaign.money_unit, campaign.least_cash, campaign.cap, campaign.status) == (1000, 0, None, "draft")
    assert campaign.created_by.username == "sam"
    assert AuditEntry.objects.filter(action="merchants.merchantcampaign.add").exists()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"budget": 2}, "budget"),
        ({"trigger": "join"}, "money_unit"),
        ({"audience": "segment"}, "segment"),
        ({"audience": "level"}, "level"),
        ({"trigger": "join", "money_unit": "", "audience": "level", "level": 2}, "audience"),
        ({"days": 4000}, "days"),
    ],
)
def test_a_draft_that_makes_no_sense_is_told_where(acme, club, values, field):
    answer = acme.post(page("add"), form(club, **values))
    assert field in answer.context["adminform"].form.errors
    assert not MerchantCampaign.objects.exists()


def test_the_live_preview_says_whom_it_means_and_what_is_missing(acme, club):
    cards(club, *NAMES)
    answer = acme.post(page("preview_new"), form(club, trigger="now", money_unit="", budget=12_000))
    text = answer.content.decode()
    assert "<strong>6</strong> members" in text
    assert "2,000 points are missing" in text
    assert not MerchantCampaign.objects.exists()


def test_starting_asks_first_and_says_what_leaves_the_purse(acme, club):
    cards(club, *NAMES)
    campaign = draft(club)
    asked = acme.get(page("start", campaign.pk))
    assert "1,000 points leave your purse" in asked.content.decode()
    assert MerchantCampaign.objects.get().status == "draft"
    agree(acme, page("start", campaign.pk))
    campaign.refresh_from_db()
    assert (campaign.status, campaign.started_by.username, purse(club)) == ("running", "sam", 9000)
    campaign_sends.send_due(now())
    shown = acme.get(page("change", campaign.pk)).content.decode()
    assert "Where the budget is" in shown
    grants = acme.get(page("changelist", model="campaigngrant")).content.decode()
    assert grants.count("Given") >= 6


def test_a_purse_with_too_little_is_said_with_numbers(acme, club):
    campaign = draft(club, budget=11_000)
    answer = agree(acme, page("start", campaign.pk))
    assert "1000 are missing" in answer.content.decode()
    assert MerchantCampaign.objects.get().status == "draft"


def test_a_running_campaign_is_stopped_but_not_changed(acme, club):
    campaign = campaigns.start(draft(club), STAFF, now())
    answer = acme.post(page("change", campaign.pk), form(club, name="Other"))
    assert answer.status_code == 403
    acme.post(page("stop", campaign.pk))
    campaign.refresh_from_db()
    assert (campaign.status, campaign.name, purse(club)) == ("stopped", "Spring", 10_000)


@pytest.mark.parametrize(("role", "may"), [("owner", True), ("finance", True), ("operator", False), ("viewer", False)])
def test_only_owners_and_finance_start(club, role, may):
    campaign = draft(club)
    agree(signed_in(role=role), page("start", campaign.pk))
    assert (MerchantCampaign.objects.get().status == "running") is may


def test_another_merchants_staff_find_start_and_stop_nothing(club):
    a_club("zeta")
    bob = signed_in("bob", "zeta")
    campaign, running = draft(club), campaigns.start(draft(club), STAFF, now())
    for verb in ("change", "start", "stop", "list_cards"):
        for row in (campaign, running):
            for call in (bob.get, bob.post):
                assert call(page(verb, row.pk)).status_code in (403, 404)
    assert "Spring" not in bob.get(page("changelist")).content.decode()
    assert [row.status for row in MerchantCampaign.objects.order_by("pk")] == ["draft", "running"]


def test_another_merchants_club_or_segment_cannot_be_named(acme, club):
    theirs = a_club("zeta")
    segment = CardSegment.objects.create(club=theirs, name="theirs")
    answer = acme.post(page("add"), form(theirs))
    assert "club" in answer.context["adminform"].form.errors
    answer = acme.post(page("add"), form(club, audience="segment", segment=segment.pk))
    assert "segment" in answer.context["adminform"].form.errors


def test_a_list_is_pasted_and_wrong_rows_are_named(acme, club):
    alice, _bob = cards(club, "alice", "bob")
    campaign = draft(club, audience="list")
    answer = acme.post(page("list_cards", campaign.pk), {"cards": f"{alice.uuid}\nwrong"})
    assert "“wrong” is no open card" in answer.content.decode()
    acme.post(page("list_cards", campaign.pk), {"cards": str(alice.uuid)})
    assert list(campaign.listed.all()) == [alice]


def test_lists_cost_the_same_queries_however_long_they_are(acme, club, django_assert_max_num_queries):
    for number in range(12):
        draft(club, name=f"c-{number}")
    campaign = campaigns.start(draft(club), STAFF, now())
    cards(club, *NAMES)
    campaign_sends.send(campaign, now())
    acme.get(page("changelist"))
    for model in ("merchantcampaign", "campaigngrant"):
        with django_assert_max_num_queries(20):
            acme.get(page("changelist", model=model))


# Segments and messages ------------------------------------------------------------------------------------------


def test_a_segment_shows_its_count_while_it_is_written(acme, club):
    cards(club, *NAMES[:2], level=3)
    cards(club, *NAMES[2:])
    data = {"name": "high", "club": club.pk, "level_from": 3, "spent_from": "", "spent_to": ""}
    text = acme.post(page("preview_new", model="cardsegment"), data).content.decode()
    assert "<strong>2</strong> of 6 members" in text
    acme.post(page("add", model="cardsegment"), data)
    assert CardSegment.objects.get().level_from == 3
    answer = acme.post(page("add", model="cardsegment"), data | {"name": "none", "level_to": 2})
    assert "level_to" in answer.context["adminform"].form.errors


def test_a_message_says_how_many_it_reaches_and_goes_once(acme, club):
    cards(club, *NAMES)
    data = {"title": "Tea", "text": "New tea.", "club": club.pk, "audience": "all"}
    answer = acme.post(page("add", model="message"), data)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    message = Message.objects.get()
    asked = acme.get(page("send", message.pk, model="message")).content.decode()
    assert "About 0 of 6 members" in asked
    agree(acme, page("send", message.pk, model="message"))
    message.refresh_from_db()
    assert (message.status, message.sent_by.username) == ("sending", "sam")
    assert acme.post(page("send", message.pk, model="message")).status_code in (302, 403)


def test_a_viewer_writes_nothing(club):
    viewer = signed_in(role="viewer")
    for model in ("merchantcampaign", "cardsegment", "message"):
        assert viewer.get(page("changelist", model=model)).status_code == 200
        assert viewer.get(page("add", model=model)).status_code == 403


# Operators ------------------------------------------------------------------------------------------------------


def operator(*permissions):
    person = Staff.objects.create_user("olga", password="x", is_staff=True, site=Staff.Site.OPERATORS)
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(person)
    return client


VIEW = ["view_merchantcampaign", "view_campaigngrant", "view_message"]


def test_operators_see_all_merchants_campaigns_gifts_and_messages(club):
    campaign = campaigns.start(draft(club), STAFF, now())
    cards(club, "alice")
    campaign_sends.send(campaign, now())
    Message.objects.create(club=club, title="Tea", text="New tea.")
    client = operator(*VIEW)
    assert "Spring" in client.get(page("changelist", site="admin")).content.decode()
    assert "Where the budget is" in client.get(page("change", campaign.pk, site="admin")).content.decode()
    assert "alice" in client.get(page("changelist", site="admin", model="campaigngrant")).content.decode()
    assert "Tea" in client.get(page("changelist", site="admin", model="message")).content.decode()
    assert client.get(page("add", site="admin")).status_code == 403


def test_an_operator_stops_with_the_permission_and_a_reason(club, django_user_model):
    Permission.objects.get_or_create(
        codename="stop_merchantcampaign",
        content_type=Permission.objects.get(codename="view_merchantcampaign").content_type,
        defaults={"name": "Can stop a merchant's campaign"},
    )
    campaign = campaigns.start(draft(club), STAFF, now())
    client = operator(*VIEW, "stop_merchantcampaign")
    client.post(page("stop", campaign.pk, site="admin"), {"reason": ""})
    campaign.refresh_from_db()
    assert campaign.status == "running"
    client.post(page("stop", campaign.pk, site="admin"), {"reason": "complaints"})
    campaign.refresh_from_db()
    assert campaign.status == "stopped"
    assert AuditEntry.objects.get(action="merchants.campaigns.stop").reason == "complaints"


def test_an_operator_without_the_permission_cannot_stop(club):
    campaign = campaigns.start(draft(club), STAFF, now())
    assert operator(*VIEW).post(page("stop", campaign.pk, site="admin"), {"reason": "x"}).status_code == 403
    assert MerchantCampaign.objects.get().status == "running"
