"""Merchants' campaigns: started with the whole budget set aside, stopped, used up or ended; the rest goes back (F16, S1-44)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.problems import InvalidInput, Problem
from common.services import audit, jobs, outbox
from loyalty.services.ledger import InsufficientPoints
from merchants.facts import MerchantCampaignEmpty, MerchantCampaignEnded, MerchantCampaignStarted
from merchants.models import Audience, Club, MerchantCampaign
from merchants.selectors import audiences
from merchants.services import pockets, purses
from merchants.services.cards import ClubNotOpen

Status, Trigger = MerchantCampaign.Status, MerchantCampaign.Trigger

SLOTS, GIFTS_PER_SLOT = 16, 100
"""A campaign that every order may draw on has its budget in so many pockets, if each then holds so many gifts."""


class CampaignStarted(Problem):
    """Only a draft is started or changed."""

    code = "campaign_started"
    status = 409
    title = _("The campaign has been started already.")


class CampaignOver(Problem):
    """The campaign's end has passed."""

    code = "campaign_over"
    status = 409
    title = _("The campaign's end has passed.")


class CampaignNotRunning(Problem):
    """Only a running campaign can be stopped."""

    code = "campaign_not_running"
    status = 409
    title = _("The campaign is not running.")


class PurseTooSmall(Problem):
    """The purse holds less than the budget; nothing is promised that is not there."""

    code = "purse_too_small"
    status = 409
    title = _("The purse has too few points for this budget.")


def check(campaign: MerchantCampaign) -> None:
    """Whether a draft makes sense. Raises InvalidInput with a place for each fault; a form or request shows them."""
    if errors := [
        {"pointer": f"/{field}", "code": "invalid", "detail": str(detail)} for field, detail in faults(campaign)
    ]:
        raise InvalidInput(errors=errors)


def faults(campaign: MerchantCampaign) -> list[tuple[str, Any]]:
    """What is wrong with a draft, as (field, words)."""
    found = audiences.faults(campaign)
    if campaign.ends_at <= campaign.starts_at:
        found.append(("ends_at", _("The end comes after the start.")))
    if campaign.trigger != Trigger.ORDER and (campaign.money_unit or campaign.least_cash):
        found.append(("money_unit", _("Only a campaign for orders looks at their cash.")))
    if campaign.trigger == Trigger.JOIN and campaign.audience != Audience.ALL:
        found.append(("audience", _("Who has just joined is on the first level and on no list: give to all.")))
    if campaign.points > campaign.budget:
        found.append(("budget", _("The budget does not hold one gift.")))
    return found


def draft(campaign: MerchantCampaign, actor: audit.Actor, at: dt.datetime) -> MerchantCampaign:
    """Keep a new draft; nothing is spent yet. Raises InvalidInput."""
    check(campaign)
    with transaction.atomic():
        campaign.created_by = actor.staff
        campaign.save()
        audit.record(actor, "merchants.campaigns.draft", campaign, _("Drafted: %(name)s") % {"name": campaign}, at)
    return campaign


def start(campaign: MerchantCampaign, actor: audit.Actor, at: dt.datetime) -> MerchantCampaign:
    """Let a draft give: the whole budget leaves the purse for the campaign's pockets.

    Raises CampaignStarted, CampaignOver, ClubNotOpen, InvalidInput, PurseTooSmall (with numbers).
    """
    with transaction.atomic():
        campaign = _locked(campaign)
        if campaign.status != Status.DRAFT:
            raise CampaignStarted
        if campaign.ends_at <= at:
            raise CampaignOver
        if campaign.club.status != Club.Status.OPEN:
            raise ClubNotOpen
        check(campaign)
        campaign.pockets.set(_reserve(campaign, at))
        campaign.status, campaign.started_at, campaign.started_by = Status.RUNNING, at, actor.staff
        campaign.save(update_fields=["status", "started_at", "started_by"])
        summary = _("Started %(name)s with %(points)d points") % {"name": campaign, "points": campaign.budget}
        audit.record(actor, "merchants.campaigns.start", campaign, summary, at)
        merchant, club = campaign.club.merchant.code, str(campaign.club.uuid)
        outbox.publish([MerchantCampaignStarted(merchant, str(campaign.uuid), club, campaign.budget)], at)
    return campaign


def _reserve(campaign: MerchantCampaign, at: dt.datetime) -> list:
    merchant = campaign.club.merchant
    purse = purses.of(merchant)
    try:
        return pockets.open(purse, campaign.budget, slots=_slots(campaign), reference=reference(campaign), at=at)
    except InsufficientPoints:
        has = purses.balance(merchant, at)
        numbers: dict[str, Any] = {"budget": campaign.budget, "has": has, "missing": max(campaign.budget - has, 0)}
        raise PurseTooSmall(
            _("The budget is %(budget)d points, the purse has %(has)d: %(missing)d are missing.") % numbers, **numbers
        ) from None


def _slots(campaign: MerchantCampaign) -> int:
    is_busy = campaign.trigger == Trigger.ORDER and campaign.budget >= SLOTS * GIFTS_PER_SLOT * campaign.points
    return SLOTS if is_busy else 1


def reference(campaign: MerchantCampaign) -> str:
    """How the ledger names what moves between purse and pockets."""
    return f"merchant:{campaign.club.merchant.code}/{campaign.uuid}"


def stop(campaign: MerchantCampaign, actor: audit.Actor, at: dt.datetime, reason: str = "") -> MerchantCampaign:
    """Let a campaign give nothing more; what it gave stays, the rest goes back. Raises CampaignNotRunning."""
    with transaction.atomic():
        campaign = _locked(campaign)
        if campaign.status != Status.RUNNING:
            raise CampaignNotRunning
        _close(campaign, Status.STOPPED, at)
        summary = _("Stopped %(name)s; %(points)d points went back") % {"name": campaign, "points": campaign.released}
        audit.record(actor, "merchants.campaigns.stop", campaign, summary, at, reason=reason)
    return campaign


def end(campaign: MerchantCampaign, at: dt.datetime) -> bool:
    """End a campaign that has done what it was for; whether it was running."""
    with transaction.atomic():
        campaign = _locked(campaign)
        if campaign.status != Status.RUNNING:
            return False
        _close(campaign, Status.ENDED, at)
        return True


def end_due(at: dt.datetime) -> int:
    """End the campaigns whose time is over, each in a transaction of its own; return how many."""
    due = MerchantCampaign.objects.filter(status=Status.RUNNING, ends_at__lte=at).order_by("pk")
    return jobs.each(due, lambda campaign: end(campaign, at))


def close_if_empty(uuid: str, at: dt.datetime) -> bool:
    """Close a running campaign whose budget does not hold its smallest gift any more; whether it was so.

    A single gift that is larger than the rest (a huge order) is refused and ends nothing.
    """
    with transaction.atomic():
        campaign = _locked(MerchantCampaign.objects.get(uuid=uuid))
        left = pockets.left(campaign.pockets.values_list("pk", flat=True))
        if campaign.status != Status.RUNNING or left >= (1 if campaign.money_unit else campaign.points):
            return False
        _close(campaign, Status.EMPTY, at)
        return True


def _locked(campaign: MerchantCampaign) -> MerchantCampaign:
    rows = MerchantCampaign.objects.select_for_update(of=("self",)).select_related("club__merchant", "segment")
    return rows.get(pk=campaign.pk)


def _close(campaign: MerchantCampaign, status: str, at: dt.datetime) -> None:
    """Bring the rest back. Whoever waits for a pocket meanwhile finds it empty, and the campaign over."""
    slots = list(campaign.pockets.values_list("pk", flat=True))
    campaign.released = pockets.close(purses.of(campaign.club.merchant), slots, reference=reference(campaign), at=at)
    campaign.status, campaign.closed_at = status, at
    campaign.save(update_fields=["status", "closed_at", "released"])
    key, uuid = campaign.club.merchant.code, str(campaign.uuid)
    if status == Status.EMPTY:
        outbox.publish([MerchantCampaignEmpty(key, uuid, campaign.released)], at)
    else:
        outbox.publish([MerchantCampaignEnded(key, uuid, status == Status.STOPPED, campaign.released)], at)
