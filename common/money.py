"""Money as people read it."""

from __future__ import annotations

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext

NO_MINOR_UNIT = {"JPY", "KRW", "VND"}


def words(minor: int) -> str:
    """Minor units in the programme's currency: 6660 -> 66.60 CNY, in Chinese 66.60 元. Exact, no rounding."""
    currency = settings.PROGRAMME_CURRENCY
    if currency in NO_MINOR_UNIT:
        return f"{intcomma(minor)} {currency}"
    sign, minor = ("−" if minor < 0 else ""), abs(minor)
    amount = f"{sign}{intcomma(minor // 100)}.{minor % 100:02d}"
    return gettext("%s CNY") % amount if currency == "CNY" else f"{amount} {currency}"
