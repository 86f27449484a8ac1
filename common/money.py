"""Money as people read it."""

from __future__ import annotations

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma

NO_MINOR_UNIT = {"JPY", "KRW", "VND"}


def words(minor: int) -> str:
    """Minor units in the programme's currency: 6660 -> 66.60 CNY. Exact, no rounding."""
    if settings.PROGRAMME_CURRENCY in NO_MINOR_UNIT:
        return f"{intcomma(minor)} {settings.PROGRAMME_CURRENCY}"
    sign, minor = ("−" if minor < 0 else ""), abs(minor)
    return f"{sign}{intcomma(minor // 100)}.{minor % 100:02d} {settings.PROGRAMME_CURRENCY}"
