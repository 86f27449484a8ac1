"""Offers of plans: put on sale by a second person, retired by anyone who may; what was sold keeps its terms."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.problems import InvalidInput, Problem
from common.services import audit
from members.models import PlanOffer

Status = PlanOffer.Status


class NotADraft(Problem):
    """Only a draft can be put on sale."""

    code = "not_a_draft"
    status = 409
    title = _("This offer is on sale already, or was retired.")


class SecondPersonNeeded(Problem):
    """What is sold is put on sale by somebody other than its author."""

    code = "second_person_needed"
    status = 409
    title = _("Somebody else has to put this on sale.")


@transaction.atomic
def activate(offer: PlanOffer, actor: audit.Actor, at: dt.datetime) -> PlanOffer:
    """Put a draft on sale. Raises NotADraft, SecondPersonNeeded, InvalidInput (a discount above the fee, an end passed)."""
    offer = PlanOffer.objects.select_for_update(of=("self",)).get(pk=offer.pk)
    if offer.status != Status.DRAFT:
        raise NotADraft
    if actor.staff is None or actor.staff.pk == offer.created_by_id:
        raise SecondPersonNeeded
    if offer.ends_at is not None and offer.ends_at <= at:
        raise InvalidInput(_("The end of the sale has passed."))
    if offer.discounts.filter(amount__gt=offer.fee).exists():
        raise InvalidInput(_("A discount is larger than the fee."))
    offer.status, offer.activated_by = Status.ACTIVE, actor.staff
    offer.save(update_fields=["status", "activated_by"])
    audit.record(actor, "members.plan_offers.activate", offer, _("On sale: %(offer)s") % {"offer": offer}, at)
    return offer


@transaction.atomic
def retire(offer: PlanOffer, actor: audit.Actor, at: dt.datetime) -> PlanOffer:
    """Sell it no more; terms that were sold run on. Retired again it stays retired."""
    offer = PlanOffer.objects.select_for_update(of=("self",)).get(pk=offer.pk)
    if offer.status != Status.RETIRED:
        offer.status = Status.RETIRED
        offer.save(update_fields=["status"])
        audit.record(actor, "members.plan_offers.retire", offer, _("Retired: %(offer)s") % {"offer": offer}, at)
    return offer
