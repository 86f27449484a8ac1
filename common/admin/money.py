"""Money in forms: people type 50.00, the database keeps 5000."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cached_property

from django import forms
from django.conf import settings
from unfold.widgets import UnfoldAdminTextInputWidget

from common.money import NO_MINOR_UNIT, words


def places() -> int:
    """Decimal places of the programme's currency."""
    return 0 if settings.PROGRAMME_CURRENCY in NO_MINOR_UNIT else 2


def typed(minor: int | None) -> str:
    """Minor units as people type them: 4900 -> 49.00; nothing for None."""
    if minor is None:
        return ""
    return f"{minor // 10 ** places()}.{minor % 10 ** places():0{places()}d}" if places() else str(minor)


class MoneyField(forms.DecimalField):
    """A decimal amount in a form, whole minor units in Python."""

    def __init__(self, **kwargs):
        widget = UnfoldAdminTextInputWidget(attrs={"suffix": settings.PROGRAMME_CURRENCY, "inputmode": "decimal"})
        super().__init__(max_digits=14, decimal_places=places(), widget=widget, **{"min_value": 0, **kwargs})

    def prepare_value(self, value):
        return Decimal(value).scaleb(-places()) if isinstance(value, int) else value

    def clean(self, value):
        amount = super().clean(value)
        return None if amount is None else int(amount.scaleb(places()))

    def has_changed(self, initial, data):
        return super().has_changed(self.prepare_value(initial), data)


class ReadableMoneyMixin:
    """What a form takes as money is shown as money to whoever may only look, not in minor units."""

    @cached_property
    def readonly_preprocess_fields(self):
        """Unfold knows the name: what becomes of a field's text where it cannot be typed."""
        return {name: _as_money for name, field in self.form.base_fields.items() if isinstance(field, MoneyField)}


def _as_money(text: str) -> str:
    """Minor units as Django writes a number (1,500) -> 15.00 CNY; anything else stays."""
    return words(int(text.replace(",", ""))) if re.fullmatch(r"[\d,]+", text) else text
