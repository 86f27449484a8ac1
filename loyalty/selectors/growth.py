"""One member's growth over time and by what it says of the member (domain.md S2-03, S2-05)."""

from __future__ import annotations

import datetime as dt

from django.db.models import Max, Sum
from django.db.models.functions import TruncMonth

from common import clock
from loyalty.models import GrowthEntry

MONTHS = 24


def by_month(member_id: int, today: dt.date) -> list[tuple[dt.date, int]]:
    """Growth in hundredths at the end of each of the last MONTHS months, this one as it is now. Two queries."""
    entries = GrowthEntry.objects.filter(member=member_id)
    newest = entries.annotate(month=TruncMonth("at")).order_by("month").values_list("month").annotate(last=Max("seq"))
    seq_by_month = {clock.local_date(month): last for month, last in newest}
    balance = dict(entries.filter(seq__in=seq_by_month.values()).values_list("seq", "balance_after"))
    firsts = [clock.months_after(clock.month_start(today), -back) for back in reversed(range(MONTHS))]
    earlier = [month for month in seq_by_month if month < firsts[0]]
    growth = balance[seq_by_month[max(earlier)]] if earlier else 0
    told = []
    for first in firsts:
        if first in seq_by_month:
            growth = balance[seq_by_month[first]]
        told.append((first, growth))
    return told


def by_criterion(member_id: int) -> dict[str, int]:
    """Growth ever given, less what was taken back, in hundredths by criterion; what time took is left out. One query."""
    given = GrowthEntry.objects.filter(member=member_id).exclude(criterion=GrowthEntry.Criterion.TIME)
    return dict(given.order_by().values_list("criterion").annotate(sum=Sum("delta")))
