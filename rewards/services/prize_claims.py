"""Gifts and coupons that were won: sent, then delivered."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.problems import InvalidInput, Problem
from common.services import audit
from rewards.models import PrizeClaim


class ClaimMovedOn(Problem):
    """The prize was sent or delivered before."""

    code = "claim_moved_on"
    status = 409
    title = _("This prize has moved on already.")


def send(claim: PrizeClaim, note: str, actor: audit.Actor, at: dt.datetime) -> PrizeClaim:
    """The prize is on its way; `note` says how (a parcel's number, a coupon's code). Raises InvalidInput, ClaimMovedOn."""
    note = note.strip()
    if not note:
        raise InvalidInput(_("Say what was sent: the parcel's number, or the coupon's code."))
    with transaction.atomic():
        claim = _locked(claim, PrizeClaim.Status.OPEN)
        claim.status, claim.note, claim.sent_at = PrizeClaim.Status.SENT, note, at
        claim.save(update_fields=["status", "note", "sent_at"])
        audit.record(actor, "rewards.prize_claims.send", claim, _("Sent: %s") % claim, at)
    return claim


def deliver(claim: PrizeClaim, actor: audit.Actor, at: dt.datetime) -> PrizeClaim:
    """The winner has it. Raises ClaimMovedOn."""
    with transaction.atomic():
        claim = _locked(claim, PrizeClaim.Status.SENT)
        claim.status, claim.delivered_at = PrizeClaim.Status.DELIVERED, at
        claim.save(update_fields=["status", "delivered_at"])
        audit.record(actor, "rewards.prize_claims.deliver", claim, _("Delivered: %s") % claim, at)
    return claim


def _locked(claim: PrizeClaim, status: str) -> PrizeClaim:
    claims = PrizeClaim.objects.select_for_update(of=("self",)).select_related("prize", "play__member")
    claim = claims.get(pk=claim.pk)
    if claim.status != status:
        raise ClaimMovedOn
    return claim
