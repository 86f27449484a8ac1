"""Campaigns start with the whole budget set aside and bring back what is left (domain.md F16, S1-44)."""

import pytest

from common.models import AuditEntry, Fact
from common.problems import InvalidInput
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import STAFF, balance
from merchants.models import CampaignGrant, Club, MerchantCampaign
from merchants.selectors import campaigns as selectors
from merchants.services import campaigns, giving
from merchants.services.cards import ClubNotOpen
from merchants.tests.buyers import DAY, NOON
from merchants.tests.campaigning import a_club, a_draft, cards, drain, purse, started

pytestmark = pytest.mark.django_db


def left(campaign):
    return sum(campaign.pockets.values_list("available", flat=True))


def topics(prefix):
    return list(Fact.objects.filter(topic__startswith=prefix).order_by("pk").values_list("topic", flat=True))


def test_the_whole_budget_leaves_the_purse_at_the_start():
    club = a_club(points=1500)
    campaign = started(club)
    assert (purse(club), left(campaign), campaign.status) == (500, 1000, "running")
    assert topics("merchant_campaign") == ["merchant_campaign.started"]
    assert AuditEntry.objects.filter(action="merchants.campaigns.start").count() == 1
    assert_proven()


def test_a_purse_with_too_little_refuses_with_numbers_and_changes_nothing():
    club = a_club(points=400)
    draft = a_draft(club)
    with pytest.raises(campaigns.PurseTooSmall) as refusal:
        campaigns.start(draft, STAFF, NOON)
    assert refusal.value.extra == {"budget": 1000, "has": 400, "missing": 600}
    draft.refresh_from_db()
    assert (draft.status, purse(club)) == ("draft", 400)


def test_only_a_draft_starts_and_only_before_its_end_and_in_an_open_club():
    club = a_club()
    with pytest.raises(campaigns.CampaignStarted):
        campaigns.start(started(club), STAFF, NOON)
    with pytest.raises(campaigns.CampaignOver):
        campaigns.start(a_draft(club, ends_at=NOON), STAFF, NOON)
    Club.objects.update(status="winding_down", ends_at=NOON + DAY)
    with pytest.raises(ClubNotOpen):
        campaigns.start(a_draft(club), STAFF, NOON)


def test_a_budget_that_does_not_hold_one_gift_is_refused_at_its_place():
    with pytest.raises(InvalidInput) as refusal:
        started(a_club(), points=1001)
    assert [error["pointer"] for error in refusal.value.errors] == ["/budget"]


def test_stopping_brings_the_rest_back_and_what_was_given_stays():
    club = a_club()
    (alice,) = cards(club, "alice")
    campaign = started(club)
    giving.give(campaign, alice, "send", 100, NOON)
    stopped = campaigns.stop(campaign, STAFF, NOON)
    assert (stopped.status, stopped.released, purse(club), balance().available) == ("stopped", 900, 9900, 100)
    with pytest.raises(campaigns.CampaignNotRunning):
        campaigns.stop(campaign, STAFF, NOON)
    assert_proven()


def test_a_campaign_whose_time_is_over_ends_and_gives_nothing_meanwhile():
    club = a_club()
    campaign = started(club, ends_at=NOON + DAY)
    assert not selectors.on(NOON + DAY).exists()
    assert campaigns.end_due(NOON + DAY) == 1
    assert campaigns.end_due(NOON + DAY) == 0
    campaign.refresh_from_db()
    assert (campaign.status, campaign.released, purse(club, NOON + DAY)) == ("ended", 1000, 10_000)


def test_a_campaign_that_cannot_give_one_more_gift_is_closed_as_used_up():
    club = a_club()
    alice, bob, charlie = cards(club, "alice", "bob", "charlie")
    campaign = started(club, budget=250)
    for card in (alice, bob, charlie):
        giving.give(campaign, card, "send", 100, NOON)
    drain()
    campaign.refresh_from_db()
    assert (campaign.status, campaign.released, purse(club)) == ("empty", 50, 9800)
    assert [grant.refusal for grant in CampaignGrant.objects.order_by("pk")] == ["", "", "budget"]
    assert topics("merchant_campaign")[-1] == "merchant_campaign.empty"
    assert_proven()


def test_one_gift_that_is_too_large_for_the_rest_does_not_end_a_campaign_by_cash():
    club = a_club()
    alice, bob = cards(club, "alice", "bob")
    campaign = started(club, trigger="order", points=1, money_unit=100, budget=100)
    giving.give(campaign, alice, "order:huge", 500, NOON)
    drain()
    assert giving.give(campaign, bob, "order:small", 5, NOON).points == 5
    campaign.refresh_from_db()
    assert campaign.status == "running"


def test_levels_may_not_change_while_a_campaign_runs_or_waits_for_its_start():
    club = a_club()
    assert not selectors.running(club, NOON)
    campaign = started(club, starts_at=NOON + DAY)
    assert selectors.running(club, NOON)
    campaigns.stop(campaign, STAFF, NOON)
    assert not selectors.running(club, NOON)


def test_a_busy_campaign_for_orders_spreads_its_budget_over_slots():
    campaign = started(a_club(), trigger="order", points=5, budget=8_000)
    assert campaign.pockets.count() == campaigns.SLOTS
    assert left(campaign) == 8_000
    assert MerchantCampaign.objects.get().pockets.order_by("available").first().available == 500
