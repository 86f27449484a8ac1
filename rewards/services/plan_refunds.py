"""Paying a plan back: what was used of it is asked under the member's lock, so nothing is claimed meanwhile."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import transaction

from common.services import audit
from members.models import PlanPurchase
from members.services import plan_purchases
from members.services.plan_refunds import Use
from rewards.selectors import savings


@transaction.atomic
def refund(
    purchase_uuid: uuid.UUID, *, reason: str, actor: audit.Actor, at: dt.datetime, shown: int | None = None
) -> PlanPurchase:
    """Pay back what the offer's policy gives for what was used (F23, E55).

    Raises NotFound, NotPaid, NothingToRefund, RefundChanged (members.services.plan_purchases).
    """
    purchase = plan_purchases.lock(purchase_uuid)
    use = savings.use_of(purchase, at) if purchase.status == PlanPurchase.Status.PAID else Use()
    return plan_purchases.refund(purchase_uuid, use, reason=reason, actor=actor, at=at, shown=shown)
