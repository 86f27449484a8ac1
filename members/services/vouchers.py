"""Codes for plans, made in bulk for a channel, released by a second person, settled by what was redeemed (S1-24, E55)."""

from __future__ import annotations

import datetime as dt
import secrets

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.problems import InvalidInput, Problem
from common.services import audit
from members.models import PlanOffer, Voucher, VoucherBatch
from members.services.plan_offers import SecondPersonNeeded

# Without 0/O, 1/I/L: codes are read out and typed. 14 characters of 31 are 69 bits: nobody guesses one.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 14

Status = VoucherBatch.Status


class BatchNotADraft(Problem):
    """A batch is released once."""

    code = "batch_not_a_draft"
    status = 409
    title = _("This batch was released before, or is void.")


class OfferADraft(Problem):
    """A draft may still change; codes promise what it says."""

    code = "offer_is_draft"
    status = 409
    title = _("Put the offer on sale first: codes promise what it says.")


@transaction.atomic
def release(batch: VoucherBatch, actor: audit.Actor, at: dt.datetime) -> VoucherBatch:
    """Make the codes of a batch, all at once; by another person than its author.

    Raises BatchNotADraft, SecondPersonNeeded, OfferADraft, InvalidInput (they would be over at once).
    """
    batch = VoucherBatch.objects.select_for_update(of=("self",)).get(pk=batch.pk)
    if batch.status != Status.DRAFT:
        raise BatchNotADraft
    if actor.staff is None or actor.staff.pk == batch.created_by_id:
        raise SecondPersonNeeded
    if batch.offer.status == PlanOffer.Status.DRAFT:
        raise OfferADraft
    if batch.expires_at <= at:
        raise InvalidInput(_("The last day of these codes has passed."))
    batch.status, batch.released_by = Status.RELEASED, actor.staff
    batch.save(update_fields=["status", "released_by"])
    codes: set[str] = set()
    while len(codes) < batch.size:
        codes.add("".join(secrets.choice(ALPHABET) for _place in range(LENGTH)))
    Voucher.objects.bulk_create([Voucher(batch=batch, code=code) for code in sorted(codes)], batch_size=1000)
    summary = _("Released %(size)d codes for %(offer)s") % {"size": batch.size, "offer": batch.offer}
    audit.record(actor, "members.vouchers.release", batch, summary, at)
    return batch


@transaction.atomic
def void(batch: VoucherBatch, *, reason: str, actor: audit.Actor, at: dt.datetime) -> int:
    """Sell no more of a batch: codes that nobody has count no more; return how many.

    What was redeemed stays, and what a channel has sold one by one is honoured: somebody paid for it.
    """
    batch = VoucherBatch.objects.select_for_update(of=("self",)).get(pk=batch.pk)
    voided = Voucher.objects.filter(batch=batch, sold_at=None, redeemed_at=None, void_at=None).update(void_at=at)
    batch.status = Status.VOID
    batch.save(update_fields=["status"])
    summary = _("%(count)d codes of %(batch)s are void") % {"count": voided, "batch": batch}
    audit.record(actor, "members.vouchers.void", batch, summary, at, reason=reason)
    return voided
