"""Campaigns for who opens a card: the first time only. Who left and came back has had her welcome."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from django.db import transaction

from merchants.models import CampaignGrant, MerchantCampaign
from merchants.selectors import audiences, campaigns
from merchants.services import giving
from merchants.services.giving import Wish


class Join(NamedTuple):
    """A member, by external id, opened a card of a club."""

    club_uuid: str
    member: str
    at: dt.datetime


def give(club_uuid: str, member: str, at: dt.datetime) -> list[CampaignGrant]:
    """Give what running campaigns promise to the member (by external id) for opening a card at `at`."""
    return give_all([Join(club_uuid, member, at)])


@transaction.atomic
def give_all(joins: Sequence[Join]) -> list[CampaignGrant]:
    """Give for many cards that were opened. One query where no campaign runs."""
    if not joins:
        return []
    times = [join.at for join in joins]
    asked = campaigns.between(min(times), max(times)).filter(trigger=MerchantCampaign.Trigger.JOIN)
    asked = asked.filter(club__uuid__in={join.club_uuid for join in joins})
    running = list(asked.select_related("club__merchant", "segment").order_by("pk"))
    if not running:
        return []
    cards = audiences.of_members(running, {join.member for join in joins}, max(times))
    by_club: dict[str, list[MerchantCampaign]] = defaultdict(list)
    for campaign in running:
        by_club[str(campaign.club.uuid)].append(campaign)
    wishes = [
        Wish(campaign, card, "join", campaign.points, join.at)
        for join in joins
        for campaign in by_club[join.club_uuid]
        if campaigns.covers(campaign, join.at) and (card := cards[campaign.pk].get(join.member))
    ]
    return giving.give_all(wishes, max(times))
