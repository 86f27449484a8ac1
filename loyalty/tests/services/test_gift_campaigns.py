"""Who may start and stop a gift campaign, and when."""

import pytest
from django.db import IntegrityError, transaction

from common.models import AuditEntry, Fact
from common.problems import InvalidInput
from loyalty.models import GiftCampaign
from loyalty.services import gift_campaigns
from loyalty.services.rules import SecondPersonNeeded
from loyalty.tests.gifting import a_draft, person, started
from loyalty.tests.stage import DAY, NOON

pytestmark = pytest.mark.django_db


def test_another_person_starts_it_and_the_world_is_told():
    campaign = a_draft(code="spring")
    with pytest.raises(SecondPersonNeeded):
        gift_campaigns.start(campaign, person("orla"), NOON)
    assert gift_campaigns.start(campaign, person("rhoda"), NOON).status == "running"
    assert Fact.objects.get(topic="campaign.started").key == "spring"
    assert AuditEntry.objects.filter(action="loyalty.gift_campaigns.start").exists()


def test_the_database_knows_the_second_person_too():
    campaign = a_draft()
    values = {"started_by": person("orla").staff, "started_at": NOON, "status": "running"}
    with pytest.raises(IntegrityError), transaction.atomic():
        GiftCampaign.objects.filter(pk=campaign.pk).update(**values)


def test_it_is_started_once_and_not_after_its_end():
    campaign = started()
    with pytest.raises(gift_campaigns.GiftCampaignStarted):
        gift_campaigns.start(campaign, person("rhoda"), NOON)
    late = a_draft(starts_at=NOON - 2 * DAY, ends_at=NOON)
    with pytest.raises(gift_campaigns.GiftCampaignOver):
        gift_campaigns.start(late, person("rhoda"), NOON)


def test_what_gives_nothing_to_anybody_or_cannot_be_paid_is_not_started():
    for draft in (a_draft({}), a_draft({"": 100}, budget=99)):
        with pytest.raises(InvalidInput):
            gift_campaigns.start(draft, person("rhoda"), NOON)


def test_only_a_running_one_is_stopped():
    campaign = gift_campaigns.stop(started(), person("rhoda"), NOON)
    assert campaign.status == "stopped"
    with pytest.raises(gift_campaigns.GiftCampaignNotRunning):
        gift_campaigns.stop(campaign, person("rhoda"), NOON)


def test_it_ends_with_its_time():
    campaign = started(trigger="birthday", ends_at=NOON + DAY)
    assert gift_campaigns.end_due(NOON) == 0
    assert gift_campaigns.end_due(NOON + DAY) == 1
    campaign.refresh_from_db()
    assert campaign.status == "ended"


def test_the_budget_is_guarded_by_the_database():
    campaign = started(budget=100)
    with pytest.raises(IntegrityError), transaction.atomic():
        GiftCampaign.objects.filter(pk=campaign.pk).update(spent=101)
