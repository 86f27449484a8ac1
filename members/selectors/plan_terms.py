"""Terms of plans through merges: one that was handed over goes on as another (domain.md E58)."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from members.models import Member, PlanPurchase, Subscription
from members.selectors import kin


def parts(term: Subscription) -> list[Subscription]:
    """All that one term has been, the oldest first, each with the member who had it. One query, none without a merge."""
    if term.origin_id is None:
        return [term]
    rows = Subscription.objects.filter(Q(pk=term.origin_id) | Q(origin=term.origin_id)).select_related("member")
    return list(rows.order_by("pk"))


def bought_by(member: Member) -> QuerySet[PlanPurchase]:
    """What a member has bought, and what those have bought who were merged into the member."""
    return PlanPurchase.objects.filter(member__in=kin.ids(member.pk))
