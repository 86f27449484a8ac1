"""A sponsor's months in words, the same for operators and for the sponsor."""

from __future__ import annotations

import datetime as dt

from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from common.admin import tags


def month(first: dt.date) -> str:
    """A month by its first day: Nov 2026."""
    return date_format(first, "YEAR_MONTH_FORMAT")


def state(owed: int, paid: int, is_over: bool) -> SafeString | str:
    """How a month stands, in one coloured word."""
    if owed == paid:
        return tags.tag(gettext("Paid"), tags.GOOD) if owed else "–"
    if not is_over:
        return tags.tag(gettext("Still growing"), tags.NEWS)
    return tags.tag(gettext("Partly paid") if paid else gettext("Unpaid"), tags.WAITING)
