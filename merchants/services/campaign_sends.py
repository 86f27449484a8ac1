"""Campaigns that give by themselves: once at their start, and at birthdays. In chunks of cards; safe to stop and repeat."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db.models import Exists, OuterRef, Q, QuerySet

from common import clock
from common.models import JobRun, Staff
from common.services import jobs
from loyalty.selectors import anniversaries, spans
from merchants.models import CampaignGrant, Card, MerchantCampaign
from merchants.selectors import audiences
from merchants.selectors import campaigns as selectors
from merchants.services import campaigns, giving
from merchants.services.giving import Wish

Status, Trigger, Refusal = MerchantCampaign.Status, MerchantCampaign.Trigger, CampaignGrant.Refusal

SEND, BIRTHDAYS = "send-merchant-campaign", "merchant-birthdays"
BIRTHDAY = "member__birthday"
CARDS_PER_CHUNK = 500


def send_due(at: dt.datetime) -> int:
    """Do what campaigns owe that give once and whose start has come; return how many that were."""
    due = selectors.on(at).filter(trigger=Trigger.NOW).select_related("club__merchant", "segment").order_by("pk")
    return jobs.each(due, lambda campaign: send(campaign, at))


def send(campaign: MerchantCampaign, at: dt.datetime, progress: Callable[[int, int], None] | None = None) -> JobRun:
    """Give to everybody the campaign means, as it was started, then end it. Killed half-way, it goes on: nobody twice."""
    run = jobs.run(
        f"{SEND}-{campaign.pk}",
        campaign.started_at or at,
        spans=lambda: spans.of(audiences.cards(campaign, at), CARDS_PER_CHUNK, by="id"),
        work=lambda first, last: _give(campaign, audiences.cards(campaign, at), "send", first, last, at),
        at=at,
        progress=progress,
    )
    if not campaigns.close_if_empty(str(campaign.uuid), at):
        campaigns.end(campaign, at)
    return run


def birthdays(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Give to members whose birthday's window has begun, once a year of birth's day (domain.md F19)."""
    return jobs.run(
        BIRTHDAYS,
        as_of,
        spans=lambda: spans.of(_celebrating(as_of), CARDS_PER_CHUNK, by="id"),
        work=lambda first, last: _celebrate(first, last, as_of, at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def _celebrate(first: int, last: int, as_of: dt.datetime, at: dt.datetime) -> dict[str, int]:
    counts = {"gifts": 0, "refused": 0}
    for campaign in _birthday_campaigns(as_of):
        cards = audiences.cards(campaign, as_of)
        for year, born in anniversaries.windows(BIRTHDAY, clock.local_date(as_of)):
            done = _give(campaign, cards.filter(born), f"birthday:{year}", first, last, at)
            counts = {name: counts[name] + done[name] for name in counts}
    return counts


def _celebrating(as_of: dt.datetime) -> QuerySet[Card]:
    born = Q()
    for _year, asked in anniversaries.windows(BIRTHDAY, clock.local_date(as_of)):
        born |= asked
    return Card.objects.filter(born, club__in=_birthday_campaigns(as_of).values("club"), status=Card.Status.ACTIVE)


def _birthday_campaigns(as_of: dt.datetime) -> QuerySet[MerchantCampaign]:
    asked = selectors.on(as_of).filter(trigger=Trigger.BIRTHDAY)
    return asked.select_related("club__merchant", "segment").order_by("pk")


def _give(
    campaign: MerchantCampaign, cards: QuerySet[Card], occasion: str, first: int, last: int, at: dt.datetime
) -> dict[str, int]:
    """Give to a range of cards that have not had the occasion; one book."""
    had = CampaignGrant.objects.filter(campaign=campaign, card=OuterRef("pk"), occasion=occasion)
    asked = cards.filter(~Exists(had), pk__gte=first, pk__lte=last).select_related("member").order_by("pk")
    grants = giving.give_all([Wish(campaign, card, occasion, campaign.points, at) for card in asked], at)
    gifts = sum(1 for grant in grants if not grant.refusal)
    return {"gifts": gifts, "refused": len(grants) - gifts}
