"""What leaving costs of this floor: rewards that were not used, benefits, chances; and what hinders it (domain.md E59, C35)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from members.models import Member
from members.selectors.leaving import Hindrance, Waived
from rewards.models import InstantRefund, MemberGrant, Play, PrizeClaim, Redemption

Status = Redemption.Status
_UNDER_WAY = (Status.HELD, Status.PLACED, Status.FULFILLING, Status.SHIPPED)


def of_members(members: Sequence[Member], at: dt.datetime) -> Iterable[Waived | Hindrance]:
    """Coupons and vouchers that were handed out and are still good, benefits in force, lottery tickets that wait."""
    taken = Redemption.objects.filter(member__in=members).select_related("reward")
    for redemption in taken.filter(status=Status.DELIVERED, expires_at__gt=at).order_by("expires_at"):
        worth = redemption.reward.perceived_value
        yield Waived("reward", str(redemption.reward), 1, worth, redemption.expires_at)
    for grant in MemberGrant.objects.in_force(at).filter(member__in=members).select_related("benefit"):
        yield Waived("benefit", str(grant.benefit), 1, None, grant.ends_at)
    tickets = Play.objects.filter(member__in=members, ticket__isnull=False, outcome__isnull=True).count()
    if tickets:
        yield Waived("tickets", _("tickets of a lottery"), tickets)
    if taken.filter(status__in=_UNDER_WAY).exists():
        yield Hindrance("open_redemptions", _("A reward is on its way, or waits for its payment."))
    if PrizeClaim.objects.filter(play__member__in=members).exclude(status=PrizeClaim.Status.DELIVERED).exists():
        yield Hindrance("open_prizes", _("A prize has not been delivered yet."))
    if InstantRefund.objects.filter(member__in=members, status=InstantRefund.Status.OPEN).exists():
        yield Hindrance("open_instant_refunds", _("Money was paid back for goods that are not here yet."))
