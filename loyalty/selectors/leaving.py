"""What leaving costs of this floor: points by the day they would have expired, tier and medals; and what hinders it (C35)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from django.db.models import Sum
from django.utils.translation import gettext as _

from loyalty.models import Account, ConductCase, Hold, Lot, MedalStanding, Order, QuarantinedHold, Standing
from loyalty.selectors import programme as programmes
from members.models import Member
from members.selectors.leaving import Hindrance, Waived


def of_members(members: Sequence[Member], at: dt.datetime) -> Iterable[Waived | Hindrance]:
    """Points are worth what the programme says one is worth in money, rounded down a row."""
    yield from _points(members)
    for standing in Standing.objects.filter(member__in=members, tier__isnull=False).select_related("tier"):
        yield Waived("tier", str(standing.tier), standing.whole_growth)
    for medal in MedalStanding.objects.filter(member__in=members, level__isnull=False).select_related("medal", "level"):
        yield Waived("medal", f"{medal.medal} {medal.level.name if medal.level else ''}")
    yield from _hindrances(members)


def _points(members: Sequence[Member]) -> Iterable[Waived]:
    programme = programmes.current()
    lots = Lot.objects.filter(account__wallet__member__in=members, is_open=True)
    for row in lots.order_by("expires_at").values("expires_at").annotate(points=Sum("remaining")):
        yield Waived(
            "points",
            programme.unit_name,
            row["points"],
            programmes.money_of(programme, row["points"]),
            row["expires_at"],
        )


def _hindrances(members: Sequence[Member]) -> Iterable[Hindrance]:
    accounts = Account.objects.filter(wallet__member__in=members)
    owed = accounts.aggregate(owed=Sum("owed", default=0))["owed"]
    if owed:
        yield Hindrance("debt", _("%d points are owed.") % owed)
    orders = list(Order.objects.filter(member__in=members, status=Order.Status.PAID).values_list("code", flat=True)[:5])
    if orders:
        yield Hindrance("open_orders", _("Orders are under way: %s.") % ", ".join(orders))
    held = Hold.objects.filter(account__in=accounts, status=Hold.Status.OPEN)
    if held.filter(quarantined__isnull=True).exists():
        yield Hindrance("open_holds", _("Points are set aside for a checkout."))
    if QuarantinedHold.objects.filter(hold__in=held).exists():
        yield Hindrance("open_case", _("Points are set aside for a case that nobody has decided yet."))
    if ConductCase.objects.filter(member__in=members, status=ConductCase.Status.OPEN).exists():
        yield Hindrance("open_case", _("A case about the member's conduct waits for a decision."))
