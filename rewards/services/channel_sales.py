"""A channel cancels what it has sold: the code is void, and of a term that runs comes back what the policy gives (E55)."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from common.problems import NotFound
from common.services import audit
from members.models import PlanPurchase, SalesChannel, Voucher
from members.services import voucher_sales
from rewards.services import plan_refunds


@transaction.atomic
def cancel(channel: SalesChannel, reference: str, *, reason: str, actor: audit.Actor, at: dt.datetime) -> Voucher:
    """Cancel one sale of the channel's own. Cancelled again it stays cancelled.

    Raises NotFound, NothingToRefund (the policy gives nothing back for the term any more).
    """
    own = voucher_sales.of(channel)
    sold = own.filter(reference=reference).first()
    if sold is None:
        raise NotFound
    if not voucher_sales.void(sold, at):
        purchase = PlanPurchase.objects.get(voucher=sold.pk)
        if purchase.status != PlanPurchase.Status.REFUNDED:
            plan_refunds.refund(purchase.uuid, reason=reason, actor=actor, at=at)
    return own.get(pk=sold.pk)
