"""A channel sells codes one by one through the API, and cancels sales. Nothing is owed before a code is redeemed (S1-24)."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from common.problems import Problem
from members.models import SalesChannel, Voucher, VoucherBatch


class ChannelClosed(Problem):
    """The operators have closed the channel: it sees what it sold, and sells no more."""

    code = "channel_closed"
    status = 409
    title = _("This channel sells no more.")


class NoCodeLeft(Problem):
    """The channel has no unsold code of this offer."""

    code = "no_code_left"
    status = 409
    title = _("There is no code of this offer left for this channel.")


class CodeNotForSale(Problem):
    """The code is none of the channel's, or was sold, or is void or over: no difference is told to who guesses."""

    code = "code_not_for_sale"
    status = 409
    title = _("This code cannot be sold.")


class ReferenceUsed(Problem):
    """The channel's order stands for the sale of something else."""

    code = "reference_used"
    status = 409
    title = _("This reference was used for another sale.")


@transaction.atomic
def sell(
    channel: SalesChannel, reference: str, at: dt.datetime, *, offer: str = "", code: str = ""
) -> tuple[Voucher, bool]:
    """Sell the printed `code`, or one of the offer that nobody has; from now on it can be redeemed. Also: is it new?

    The same reference sells once. Raises ChannelClosed, NoCodeLeft, CodeNotForSale, ReferenceUsed.
    """
    code = code.strip().upper()
    if known := _known(channel, reference, offer, code):
        return known, False
    if not SalesChannel.objects.filter(pk=channel.pk, is_active=True).exists():
        raise ChannelClosed
    unsold = for_sale(channel, at)
    if code:
        voucher = unsold.filter(code=code).select_for_update(of=("self",)).first()
    else:
        # One that another sale is taking just now is passed over.
        pool = unsold.filter(batch__offer__code=offer).order_by("batch__expires_at", "pk")
        voucher = pool.select_for_update(of=("self",), skip_locked=True).first()
    if voucher is None:
        raise CodeNotForSale if code else NoCodeLeft
    try:
        with transaction.atomic():
            Voucher.objects.filter(pk=voucher.pk).update(seller=channel, reference=reference, sold_at=at)
    except IntegrityError:  # the same reference came twice at once, and the other one was first
        if known := _known(channel, reference, offer, code):
            return known, False
        raise
    return of(channel).get(pk=voucher.pk), True


def _known(channel: SalesChannel, reference: str, offer: str, code: str) -> Voucher | None:
    """What the reference has sold before, if it is the same. Raises ReferenceUsed if not."""
    known = of(channel).filter(reference=reference).first()
    if known is not None and (code not in ("", known.code) or offer not in ("", known.batch.offer.code)):
        raise ReferenceUsed
    return known


def for_sale(channel: SalesChannel, at: dt.datetime) -> QuerySet[Voucher]:
    """The codes that the channel can sell through the API."""
    return Voucher.objects.filter(
        batch__channel=channel,
        batch__delivery=VoucherBatch.Delivery.API,
        batch__status=VoucherBatch.Status.RELEASED,
        batch__expires_at__gt=at,
        sold_at=None,
        redeemed_at=None,
        void_at=None,
    )


def of(channel: SalesChannel) -> QuerySet[Voucher]:
    """The codes that the channel has sold through the API, with what became of them."""
    return Voucher.objects.filter(seller=channel).select_related("batch__offer__plan", "purchase")


def void(voucher: Voucher, at: dt.datetime) -> bool:
    """Cancel the sale of a code that nobody has redeemed; False if somebody has. Cancelled again it stays cancelled.

    Runs in the caller's transaction. One conditional update: who redeems holds the member and then the code, so a code is
    never held here while a member is waited for.
    """
    if Voucher.objects.filter(pk=voucher.pk, redeemed_at=None, void_at=None).update(void_at=at):
        return True
    return Voucher.objects.filter(pk=voucher.pk, redeemed_at=None).exists()
