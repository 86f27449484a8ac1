"""How numbers, money and instants read on operators' pages."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from common import money as amounts


def number(value: int | None) -> str:
    """1234567 -> 1,234,567; nothing -> –."""
    return "–" if value is None else intcomma(value)


def signed(value: int) -> str:
    """A change: +1,234 or −1,234."""
    return f"+{intcomma(value)}" if value > 0 else f"−{intcomma(-value)}" if value < 0 else "0"


def money(minor: int | None) -> str:
    """Minor units as money: 6660 -> 66.60 CNY; nothing -> –."""
    return "–" if minor is None else amounts.words(minor)


def instant(at: dt.datetime | None) -> str:
    """An instant on the programme's wall clock."""
    return "–" if at is None else date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")


def day(at: dt.date | dt.datetime | None) -> str:
    """A day on the programme's calendar."""
    if isinstance(at, dt.datetime):
        at = timezone.localtime(at).date()
    return "–" if at is None else date_format(at, "DATE_FORMAT")


def last_day(deadline: dt.datetime) -> dt.date:
    """The last whole day before a half-open deadline: what people call the expiry date."""
    return timezone.localtime(deadline - dt.timedelta(microseconds=1)).date()


def link(obj: Any, text: Any = None, *, site: str = "admin") -> SafeString | str:
    """The object's page on a site, by its own words (never a bare id)."""
    if obj is None:
        return "–"
    url = reverse(f"{site}:{obj._meta.app_label}_{obj._meta.model_name}_change", args=[obj.pk])
    return format_html('<a class="lp-link" href="{}">{}</a>', url, text or str(obj))


def pairs(value: Any) -> SafeString | str:
    """A JSON object as a small table of names and values; nested values as readable JSON."""
    if not isinstance(value, dict):
        return _json(value)
    if not value:
        return "–"
    rows = [
        format_html("<tr><th>{}</th><td>{}</td></tr>", key.replace("_", " "), _value(item))
        for key, item in value.items()
    ]
    return format_html('<table class="lp-pairs">{}</table>', SafeString("".join(rows)))


def _value(item: Any) -> Any:
    """One value of a JSON object, as a person would write it."""
    if isinstance(item, bool):
        return _("yes") if item else _("no")
    if isinstance(item, str | int):
        return item
    if isinstance(item, list) and all(isinstance(one, str | int) for one in item):
        return ", ".join(map(str, item)) or "–"
    if isinstance(item, dict):
        return pairs(item)
    return _json(item)


def _json(value: Any) -> SafeString:
    return format_html('<code class="lp-json">{}</code>', json.dumps(value, ensure_ascii=False, indent=2))
