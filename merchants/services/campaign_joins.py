"""Campaigns for who opens a card: the first time only. Who left and came back has had her welcome."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from merchants.models import CampaignGrant, MerchantCampaign
from merchants.selectors import audiences, campaigns
from merchants.services import giving


@transaction.atomic
def give(club_uuid: str, member: str, at: dt.datetime) -> list[CampaignGrant]:
    """Give what running campaigns promise to the member (by external id) for opening a card at `at`."""
    asked = campaigns.on(at).filter(club__uuid=club_uuid, trigger=MerchantCampaign.Trigger.JOIN)
    given = []
    for campaign in asked.select_related("club__merchant", "segment").order_by("pk"):
        card = audiences.cards(campaign, at).filter(member__external_id=member).select_related("member").first()
        if card and (grant := giving.give(campaign, card, "join", campaign.points, at)):
            given.append(grant)
    return given
