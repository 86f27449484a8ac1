"""Campaigns: started by a second person, stopped by anyone who may."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.problems import Problem
from common.services import audit
from loyalty.models import Campaign
from loyalty.services import rules


class CampaignOver(Problem):
    """The campaign's end has passed."""

    code = "campaign_over"
    status = 409
    title = _("The campaign's end has passed.")


class NotRunning(Problem):
    """Only a started campaign can be stopped."""

    code = "campaign_not_running"
    status = 409
    title = _("The campaign is not running.")


def start(campaign: Campaign, actor: audit.Actor, at: dt.datetime) -> Campaign:
    """Let a draft or stopped campaign pay, by another person than its author.

    Raises SecondPersonNeeded, CampaignOver.
    """
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
        if actor.staff is None or actor.staff.pk == campaign.created_by_id:
            raise rules.SecondPersonNeeded
        if campaign.ends_at <= at or campaign.status == Campaign.Status.UNDONE:
            raise CampaignOver
        campaign.status, campaign.activated_by = Campaign.Status.ACTIVE, actor.staff
        campaign.save(update_fields=["status", "activated_by"])
        rules.changed()
        audit.record(actor, "loyalty.campaigns.start", campaign, _("Started: %(name)s") % {"name": campaign}, at)
    return campaign


def stop(campaign: Campaign, actor: audit.Actor, at: dt.datetime) -> Campaign:
    """Let a campaign pay nothing more; what it has paid stays. Raises NotRunning."""
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
        if campaign.status != Campaign.Status.ACTIVE:
            raise NotRunning
        campaign.status = Campaign.Status.STOPPED
        campaign.save(update_fields=["status"])
        rules.changed()
        audit.record(actor, "loyalty.campaigns.stop", campaign, _("Stopped: %(name)s") % {"name": campaign}, at)
    return campaign
