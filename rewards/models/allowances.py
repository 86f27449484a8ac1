from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from django.db import models
from django.utils.translation import gettext_lazy as _

from common import clock


class Window(NamedTuple):
    """One period of a quota: its name, and the first local day after it (None = it never begins anew)."""

    name: str
    resets_on: dt.date | None


class Period(models.TextChoices):
    """How often a quota begins anew. Calendar periods are local; a term is that of the paid plan or of the gift."""

    DAY = "day", _("a day")
    MONTH = "month", _("a month")
    QUARTER = "quarter", _("a quarter")
    YEAR = "year", _("a year")
    TERM = "term", _("a term")

    def window(self, at: dt.datetime, since: dt.datetime | None, until: dt.datetime | None) -> Window:
        """The window in which an instant lies; `since` and `until` are the term's."""
        day = clock.local_date(at)
        if self == Period.DAY:
            return Window(day.isoformat(), day + dt.timedelta(days=1))
        if self == Period.MONTH:
            return Window(f"{day:%Y-%m}", clock.months_after(day.replace(day=1), 1))
        if self == Period.QUARTER:
            first = dt.date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
            return Window(f"{day.year}-Q{(day.month + 2) // 3}", clock.months_after(first, 3))
        if self == Period.YEAR:
            return Window(str(day.year), dt.date(day.year + 1, 1, 1))
        started = f"{clock.local(since):%Y-%m-%d %H:%M:%S}" if since else "ever"
        return Window(f"term {started}", clock.local_date(until) if until else None)


PER_YEAR = {Period.DAY: 365, Period.MONTH: 12, Period.QUARTER: 4, Period.YEAR: 1, Period.TERM: 1}
"""About how many periods a year has: to tell which of two quotas is the larger one."""


class Allowance(models.Model):
    """With which parameter a benefit is given, and how often it may be used."""

    value = models.PositiveBigIntegerField(
        _("parameter"),
        null=True,
        blank=True,
        help_text=_("Money in minor units, per cent or points: what the kind of benefit asks for."),
    )
    quota = models.PositiveIntegerField(_("uses"), null=True, blank=True, help_text=_("Empty: as often as they like."))
    period = models.CharField(_("within"), max_length=8, choices=Period, default=Period.MONTH)

    class Meta:
        abstract = True
