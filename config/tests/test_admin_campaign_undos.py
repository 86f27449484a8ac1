"""Everything a campaign granted is shown with who spent it, taken back by a proposal and a second person's approval."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from config.tests import sample
from loyalty.models import Campaign, CampaignUndo, GiftCampaign
from loyalty.services import campaign_undos, gift_sends
from loyalty.tests import stage
from loyalty.tests.cast import ledger
from loyalty.tests.gifting import has, people, started

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def campaign() -> GiftCampaign:
    """100 points for Alice, who has spent 60, and for Bob."""
    now = timezone.now()
    members = people("alice", "bob")
    campaign = started(starts_at=now - DAY, ends_at=now + DAY)
    gift_sends.give(campaign, now, now)
    account = members[0].wallet.account_id
    with ledger.open_book([account], now) as book:
        book.take(account, 60, kind="redeem", contra="redeemed", reference="test")
    return campaign


def propose(client, campaign: GiftCampaign, policy: str = "unspent") -> CampaignUndo:
    address = reverse("admin:loyalty_giftcampaign_undo", args=[campaign.pk])
    client.post(address, {"policy": policy, "reason": "Wrong segment"})
    return CampaignUndo.objects.get()


def test_it_is_counted_before_proposed_by_one_and_approved_by_another(client, campaign):
    client.force_login(sample.staff("olivia", "operations"))
    asked = client.get(reverse("admin:loyalty_giftcampaign_undo", args=[campaign.pk])).content.decode()
    assert "Take back the 140 points that are left; 1 members keep the 60 they have spent." in asked
    assert "200 points were granted to 2 members." in asked
    undo = propose(client, campaign)
    assert (undo.status, has("bob")) == ("proposed", 100)
    approve = reverse("admin:loyalty_campaignundo_approve", args=[undo.pk])
    assert client.post(approve).status_code == 403
    client.force_login(sample.staff("felix", "finance"))
    assert "Wrong segment" in client.get(approve).content.decode()
    client.post(approve)
    campaign_undos.carry_out_due(timezone.now())
    assert (has("alice"), has("bob")) == (0, 0)
    seen = client.get(reverse("admin:loyalty_campaignundo_change", args=[undo.pk])).content.decode()
    assert "Spent and kept" in seen
    assert "Approve the undoing?" not in seen


def test_finance_does_not_approve_its_own_proposal(client, campaign):
    client.force_login(sample.staff("felix", "finance"))
    undo = propose(client, campaign)
    answer = client.post(reverse("admin:loyalty_campaignundo_approve", args=[undo.pk]), follow=True)
    assert "Somebody else has to approve" in answer.content.decode()
    undo.refresh_from_db()
    assert undo.status == "proposed"


def test_a_proposal_needs_a_reason_and_a_policy(client, campaign):
    client.force_login(sample.staff("olivia", "operations"))
    client.post(reverse("admin:loyalty_giftcampaign_undo", args=[campaign.pk]), {"policy": "burn", "reason": ""})
    assert not CampaignUndo.objects.exists()


def test_a_proposal_is_withdrawn(client, campaign):
    client.force_login(sample.staff("olivia", "operations"))
    undo = propose(client, campaign, "debt")
    client.post(reverse("admin:loyalty_campaignundo_withdraw", args=[undo.pk]))
    undo.refresh_from_db()
    assert undo.status == "withdrawn"


def test_the_button_is_not_there_twice_nor_for_support(client, campaign):
    address = reverse("admin:loyalty_giftcampaign_undo", args=[campaign.pk])
    client.force_login(sample.staff("sam", "support"))
    assert client.get(address).status_code == 403
    client.force_login(sample.staff("olivia", "operations"))
    propose(client, campaign)
    assert client.get(address).status_code == 403


def test_what_rules_gave_for_a_campaign_is_undone_from_its_page(client):
    now = timezone.now()
    stage.a_rule(campaign=stage.a_campaign(starts_at=now - DAY, ends_at=now + DAY))
    stage.send("order.completed", "alice", now, **stage.order("o-1"))
    campaign = Campaign.objects.get()
    client.force_login(sample.staff("olivia", "operations"))
    client.post(
        reverse("admin:loyalty_campaign_undo", args=[campaign.pk]), {"policy": "unspent", "reason": "Wrong multiplier"}
    )
    client.force_login(sample.staff("felix", "finance"))
    client.post(reverse("admin:loyalty_campaignundo_approve", args=[CampaignUndo.objects.get().pk]))
    campaign_undos.carry_out_due(now)
    campaign.refresh_from_db()
    assert (has("alice"), campaign.status) == (0, "undone")
    client.post(reverse("admin:loyalty_campaign_start", args=[campaign.pk]))
    campaign.refresh_from_db()
    assert campaign.status == "undone"


def test_a_member_reads_that_the_campaign_was_undone(client, campaign):
    from loyalty.selectors import origins

    client.force_login(sample.staff("olivia", "operations"))
    undo = propose(client, campaign)
    assert origins.of([f"undo:{undo.uuid}"]) == {f"undo:{undo.uuid}": "campaign undone: Spring gift"}
