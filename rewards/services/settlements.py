"""Partners are paid, month by month, for the codes that members claimed."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Count, Sum
from django.utils.translation import gettext_lazy as _

from common import clock
from common.problems import Problem
from common.services import audit
from rewards.models import Code, Partner, Settlement
from rewards.selectors import settlements


class MonthNotOver(Problem):
    """A month is settled when it is over."""

    code = "month_not_over"
    status = 409
    title = _("This month is not over yet.")


class NothingToSettle(Problem):
    """Nothing is owed, or the month was settled before; what is claimed late is settled with a later month."""

    code = "nothing_to_settle"
    status = 409
    title = _("Nothing is owed for this month, or it has been settled already.")


@transaction.atomic
def settle(partner: Partner, month: dt.date, *, actor: audit.Actor, at: dt.datetime) -> Settlement:
    """Settle what a partner is owed up to the end of the month that begins on `month`; from now on it is settled.

    Raises MonthNotOver, NothingToSettle.
    """
    end = clock.day_start(clock.months_after(month, 1))
    if end > at:
        raise MonthNotOver
    Partner.objects.select_for_update().get(pk=partner.pk)
    owed = settlements.claimed().filter(reward__partner=partner, claimed_at__lt=end)
    ids = list(owed.select_for_update(of=("self",)).values_list("pk", flat=True))
    if not ids or Settlement.objects.filter(partner=partner, month=month).exists():
        raise NothingToSettle
    settled = Code.objects.filter(pk__in=ids)
    sums = settled.aggregate(codes=Count("pk"), amount=Sum("price"))
    settlement = Settlement.objects.create(partner=partner, month=month, at=at, actor_label=actor.label[:150], **sums)
    settled.update(settlement=settlement)
    summary = _("Settled %(partner)s %(month)s: %(codes)d codes") % {
        "partner": partner, "month": f"{month:%Y-%m}", "codes": sums["codes"],
    }  # fmt: skip
    audit.record(actor, "rewards.settlements.settle", settlement, summary, at, data={"amount": sums["amount"]})
    return settlement
