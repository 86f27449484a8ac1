"""A gift campaign is written with a preview, started by somebody else, and its effect is shown with what it is worth."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from config.tests import sample
from loyalty.models import GiftAssignment, GiftCampaign, Order, OrderLine, Tier
from loyalty.services import gift_sends
from loyalty.tests import stage
from loyalty.tests.gifting import a_draft, people, person, started

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def olivia(client):
    someone = sample.staff("olivia", "operations")
    client.force_login(someone)
    return someone


def form(**values) -> dict:
    now = timezone.localtime()
    return {
        "name": "618 warm-up", "code": "warm-up", "trigger": "once", "rest_days": 0, "near_days": 30, "near_points": 1,
        "starts_at_0": now.strftime("%Y-%m-%d"), "starts_at_1": now.strftime("%H:%M:%S"),
        "ends_at_0": (now + 30 * DAY).strftime("%Y-%m-%d"), "ends_at_1": "00:00:00",
        "budget": 1000, "days": 90, "holdout_percent": 10, "window_days": 30,
        "amounts-TOTAL_FORMS": 2, "amounts-INITIAL_FORMS": 0,
        "amounts-0-tier": "", "amounts-0-points": 5,
        "amounts-1-tier": "", "amounts-1-points": "",
    } | values  # fmt: skip


def test_it_is_written_with_amounts_by_tier_and_previewed_before_it_is_saved(client, olivia):
    gold = Tier.objects.create(code="gold", name="Gold", rank=1)
    people("alice", "bob")
    people("charlie", tier="gold")
    data = form(**{"amounts-1-tier": gold.pk, "amounts-1-points": 618})
    seen = client.post(reverse("admin:loyalty_giftcampaign_preview_new"), data).content.decode()
    assert "<strong>3</strong> members" in seen
    assert "618 points each" in seen
    assert not GiftCampaign.objects.exists()
    client.post(reverse("admin:loyalty_giftcampaign_add"), data)
    campaign = GiftCampaign.objects.get()
    assert (campaign.created_by, campaign.status) == (olivia, "draft")
    assert sorted(campaign.amounts.values_list("tier__code", "points"), key=str) == [("gold", 618), (None, 5)]


def test_the_end_comes_after_the_start(client, olivia):
    data = form(ends_at_0="2020-01-01")
    answer = client.post(reverse("admin:loyalty_giftcampaign_add"), data)
    assert "The end comes after the start." in answer.content.decode()
    assert not GiftCampaign.objects.exists()


def test_operations_cannot_start_it_and_finance_does_after_seeing_the_cost(client, olivia):
    people("alice", "bob")
    campaign = a_draft({"": 100}, ends_at=timezone.now() + DAY)
    address = reverse("admin:loyalty_giftcampaign_start", args=[campaign.pk])
    assert client.post(address).status_code == 403
    client.force_login(sample.staff("felix", "finance"))
    asked = client.get(address)
    assert "200 (2.00 CNY)" in asked.content.decode()
    client.post(address, {"seen": asked.context["form"]["seen"].value()})
    campaign.refresh_from_db()
    assert campaign.status == "running"


def test_a_draft_that_was_edited_after_the_question_is_asked_about_again(client):
    people("alice", "bob")
    campaign = a_draft({"": 100}, ends_at=timezone.now() + DAY)
    address = reverse("admin:loyalty_giftcampaign_start", args=[campaign.pk])
    client.force_login(sample.staff("felix", "finance"))
    seen = client.get(address).context["form"]["seen"].value()
    campaign.amounts.update(points=900)
    again = client.post(address, {"seen": seen})
    assert "The draft has changed meanwhile. Look at it again." in again.content.decode()
    assert "1,800 (18.00 CNY)" in again.content.decode()
    campaign.refresh_from_db()
    assert campaign.status == "draft"


def test_what_has_started_is_not_edited_any_more(client, olivia):
    campaign = started()
    assert client.get(reverse("admin:loyalty_giftcampaign_change", args=[campaign.pk])).status_code == 200
    client.post(reverse("admin:loyalty_giftcampaign_change", args=[campaign.pk]), form(name="Another"))
    campaign.refresh_from_db()
    assert campaign.name == "Spring gift"


def test_overlapping_campaigns_are_named(client, olivia):
    people("alice")
    now = timezone.now()
    started(name="The other one", trigger="anniversary", ends_at=now + 90 * DAY)
    GiftAssignment.objects.create(
        campaign=started(name="Lately", ends_at=now + 90 * DAY), member=people("bob")[0], occasion="once", arm="treated",
        at=now, measured_until=now,
    )  # fmt: skip
    draft = a_draft(ends_at=now + 90 * DAY)
    seen = client.get(reverse("admin:loyalty_giftcampaign_change", args=[draft.pk])).content.decode()
    assert "Lately" in seen
    assert "The other one" not in seen


def test_the_effect_is_shown_with_its_interval_and_what_can_be_said(client, olivia):
    now = timezone.now()
    campaign = started(holdout_percent=50, ends_at=now + 90 * DAY)
    people(*[f"m-{n}" for n in range(200)])
    gift_sends.give(campaign, now - 40 * DAY, now - 40 * DAY)
    treated = GiftAssignment.objects.filter(campaign=campaign, arm="treated")
    for number, assignment in enumerate(treated):
        order = Order.objects.create(
            code=f"o-{number}", member=assignment.member, status="completed", completed_at=now - 30 * DAY
        )
        OrderLine.objects.create(order=order, number="1", cash=(1 + number % 3) * 100_00)
    seen = client.get(reverse("admin:loyalty_giftcampaign_effect", args=[campaign.pk])).content.decode()
    assert "More than without the campaign." in seen
    assert "Cannot be told from chance." in seen  # nobody has spent any points
    assert 'class="lp-interval lp-more"' in seen
    assert "with 95 % confidence between +1.00 and +1.00" in seen


def test_few_members_tell_nothing(client, olivia):
    campaign = started(ends_at=timezone.now() + 90 * DAY)
    seen = client.get(reverse("admin:loyalty_giftcampaign_effect", args=[campaign.pk])).content.decode()
    assert "Too few members to tell." in seen
    assert "lp-interval" not in seen


def test_support_sees_who_got_what(client):
    client.force_login(sample.staff("sam", "support"))
    people("alice")
    gift_sends.give(started(ends_at=timezone.now() + DAY), timezone.now(), timezone.now())
    found = client.get(reverse("admin:loyalty_giftassignment_changelist"), {"q": "alice"}).content.decode()
    assert "Spring gift" in found


def test_the_stop_button_stops_it(client):
    campaign = started(ends_at=timezone.now() + DAY)
    client.force_login(sample.staff("felix", "finance"))
    client.post(reverse("admin:loyalty_giftcampaign_stop", args=[campaign.pk]))
    campaign.refresh_from_db()
    assert campaign.status == "stopped"


def test_a_member_reads_the_campaigns_name_as_the_reason_of_the_points():
    from loyalty.selectors import origins

    campaign = a_draft(code="spring", created_by=person("orla").staff)
    named = gift_sends.reference(campaign, "once")
    assert origins.of([named, "gift:gone/once"]) == {named: "gift: Spring gift"}


@pytest.mark.postgres
@pytest.mark.parametrize("model", ["campaign", "giftcampaign"])
def test_an_edit_reads_its_campaign_under_a_lock(client, olivia, model):
    """Else an edit writes back a status that a start or an undoing has changed meanwhile."""
    campaign = a_draft() if model == "giftcampaign" else stage.a_campaign()
    with CaptureQueriesContext(connection) as asked:
        client.post(reverse(f"admin:loyalty_{model}_change", args=[campaign.pk]), {})
    table = f'"loyalty_{model}"'
    locked = [query["sql"].endswith(f"FOR NO KEY UPDATE OF {table}") for query in asked if _reads(query["sql"], table)]
    assert True in locked
    assert locked[locked.index(True) :][:2] == [True, False]  # the lock, then the form's own read


def _reads(query: str, table: str) -> bool:
    return query.startswith(f"SELECT {table}.") and f'{table}."id" = ' in query
