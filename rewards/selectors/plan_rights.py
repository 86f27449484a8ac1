"""Partners' rights that a member has with a plan: open, claimed, or no longer to be claimed."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import models
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from members.models import Member, PlanPurchase
from members.selectors import plan_terms
from rewards.models import Code, PlanRight, RightClaim


class State(models.TextChoices):
    AHEAD = "ahead", _("Not yet")
    OPEN = "open", _("To be claimed")
    CLAIMED = "claimed", _("Claimed")
    EXPIRED = "expired", _("Expired")
    VOID = "void", _("Void")


@dataclass(frozen=True, slots=True)
class RightRow:
    """One right of one term, as it stands at an instant."""

    purchase: PlanPurchase
    right: PlanRight
    claim: RightClaim | None
    at: dt.datetime

    @property
    def state(self) -> State:
        """What was not claimed is void with its term: paid back, or over (E55)."""
        if self.claim is not None:
            expires_at = self.claim.expires_at
            return State.EXPIRED if expires_at is not None and expires_at <= self.at else State.CLAIMED
        term = self.purchase.subscription
        if term is None or self.purchase.status != PlanPurchase.Status.PAID or term.ends_at <= self.at:
            return State.VOID
        return State.OPEN if term.starts_at <= self.at else State.AHEAD

    @property
    def claim_until(self) -> dt.datetime | None:
        """It can be claimed until then; None = no more, or claimed."""
        term = self.purchase.subscription
        return term.ends_at if term is not None and self.state in (State.AHEAD, State.OPEN) else None

    @property
    def code(self) -> str:
        """The partner's code, or our name for what the partner is to switch on; empty before the claim."""
        code = getattr(self.claim, "code", None) if self.claim else None
        return code.code if code is not None and code.status != Code.Status.VOID else ""


def claims() -> QuerySet[RightClaim]:
    """Claims that stand, with what their readers show."""
    return RightClaim.objects.filter(withdrawn_at=None).select_related("right__reward__partner", "code")


def of(purchases: Iterable[PlanPurchase], at: dt.datetime) -> list[RightRow]:
    """The rights of bought terms (read with offer and subscription), a row each. Two queries."""
    bought = {one.pk: one for one in purchases if one.subscription_id is not None and not one.is_trial}
    claimed = {(claim.purchase_id, claim.right_id): claim for claim in claims().filter(purchase__in=bought)}
    offers = {purchase.offer_id for purchase in bought.values()}
    rights: dict[int, list[PlanRight]] = defaultdict(list)
    for right in PlanRight.objects.filter(offer__in=offers).select_related("reward__partner"):
        rights[right.offer_id].append(right)
    return [
        RightRow(purchase, right, claimed.get((purchase.pk, right.pk)), at)
        for purchase in bought.values()
        for right in rights[purchase.offer_id]
    ]


def of_member(member: Member, at: dt.datetime) -> list[RightRow]:
    """What a member can claim now or later, and what was claimed and is still good. Three queries."""
    rows = plan_terms.bought_by(member).filter(subscription__isnull=False)
    rows = rows.select_related("offer__plan", "subscription").order_by("subscription__starts_at", "pk")
    shown = (State.AHEAD, State.OPEN, State.CLAIMED)
    return [row for row in of(rows, at) if row.state in shown]


def cost(purchase: PlanPurchase) -> int:
    """The contract price of what was claimed with a purchase and stands, in minor units (E55)."""
    return claims().filter(purchase=purchase).aggregate(sum=Sum("right__price"))["sum"] or 0


def is_claimed(purchase: PlanPurchase) -> bool:
    return claims().filter(purchase=purchase).exists()
