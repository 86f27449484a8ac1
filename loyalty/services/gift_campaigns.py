"""Gift campaigns: started by a second person, stopped by anyone who may, ended by time or budget."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.problems import InvalidInput, Problem
from common.services import audit, jobs, outbox
from loyalty import facts
from loyalty.models import GiftAmount, GiftCampaign
from loyalty.services.rules import SecondPersonNeeded

Status, Trigger = GiftCampaign.Status, GiftCampaign.Trigger


class GiftCampaignStarted(Problem):
    """Only a draft is started or changed."""

    code = "gift_campaign_started"
    status = 409
    title = _("The gift campaign has been started already.")


class GiftCampaignOver(Problem):
    """The campaign's end has passed."""

    code = "gift_campaign_over"
    status = 409
    title = _("The gift campaign's end has passed.")


class GiftCampaignNotRunning(Problem):
    """Only a running campaign can be stopped."""

    code = "gift_campaign_not_running"
    status = 409
    title = _("The gift campaign is not running.")


def faults(campaign: GiftCampaign, amounts: list[GiftAmount]) -> list[tuple[str, Any]]:
    """What keeps a draft from being started, as (field, words); a form shows them while it is filled in."""
    found: list[tuple[str, Any]] = []
    if not amounts:
        found.append(("amounts", _("Say what members get: a row for each tier, or one for everybody.")))
    if amounts and max(amount.points for amount in amounts) > campaign.budget:
        found.append(("budget", _("The budget does not hold one gift.")))
    return found


def start(campaign: GiftCampaign, actor: audit.Actor, at: dt.datetime) -> GiftCampaign:
    """Let a draft give from its start on, by another person than its author.

    Raises GiftCampaignStarted, SecondPersonNeeded, GiftCampaignOver, InvalidInput (what `faults` finds).
    """
    with transaction.atomic():
        campaign = _locked(campaign)
        if campaign.status != Status.DRAFT:
            raise GiftCampaignStarted
        if actor.staff is None or actor.staff.pk == campaign.created_by_id:
            raise SecondPersonNeeded
        if campaign.ends_at <= at:
            raise GiftCampaignOver
        if found := faults(campaign, list(campaign.amounts.all())):
            raise InvalidInput(found[0][1])
        campaign.status, campaign.started_by, campaign.started_at = Status.RUNNING, actor.staff, at
        campaign.save(update_fields=["status", "started_by", "started_at"])
        outbox.publish([facts.CampaignStarted(campaign.code, campaign.name, campaign.trigger)], at)
        audit.record(actor, "loyalty.gift_campaigns.start", campaign, _("Started: %(name)s") % {"name": campaign}, at)
    return campaign


def stop(campaign: GiftCampaign, actor: audit.Actor, at: dt.datetime) -> GiftCampaign:
    """Let a campaign give nothing more; members keep what they have. Raises GiftCampaignNotRunning."""
    with transaction.atomic():
        if not end(campaign, Status.STOPPED, at):
            raise GiftCampaignNotRunning
        audit.record(actor, "loyalty.gift_campaigns.stop", campaign, _("Stopped: %(name)s") % {"name": campaign}, at)
    campaign.refresh_from_db()
    return campaign


def end(campaign: GiftCampaign, status: str, at: dt.datetime) -> bool:
    """End a running campaign as `status` says; whether it was running."""
    with transaction.atomic():
        campaign = _locked(campaign)
        if campaign.status != Status.RUNNING:
            return False
        campaign.status = status
        campaign.save(update_fields=["status"])
        outbox.publish([facts.CampaignEnded(campaign.code, str(status), campaign.spent)], at)
        return True


def end_due(at: dt.datetime) -> int:
    """End the campaigns whose time is over; return how many."""
    due = GiftCampaign.objects.filter(status=Status.RUNNING, ends_at__lte=at).order_by("pk")
    return jobs.each(due, lambda campaign: end(campaign, Status.ENDED, at))


def _locked(campaign: GiftCampaign) -> GiftCampaign:
    return GiftCampaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
