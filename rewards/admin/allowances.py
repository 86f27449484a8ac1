"""Parameters as people type them: money as money, per cent and points as whole numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from common.admin.money import places
from rewards.models import Benefit


class ValueField(forms.DecimalField):
    """A parameter, in the unit of the benefit's kind; the form turns it into what the database keeps."""

    def __init__(self, **kwargs):
        kwargs |= {
            "label": _("parameter"),
            "required": False,
            "min_value": 0,
            "max_digits": 14,
            "decimal_places": places(),
            "widget": UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
            "help_text": _(
                "Money for free shipping, coupons and instant refunds, per cent for discounts, points for a birthday pack. "
                "Other benefits have none."
            ),
        }
        super().__init__(**kwargs)


class AllowanceForm(forms.ModelForm):
    """A form with `benefit`, `value`, `quota` and `period`."""

    value = ValueField()

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        benefit = getattr(self.instance, "benefit", None) if self.instance.pk else None
        if benefit is not None and self.instance.value is not None:
            self.initial["value"] = shown(benefit, self.instance.value)

    def clean(self):
        data = super().clean() or {}
        data["value"] = stored(self, data.get("benefit"), data.get("value"))
        return data


def shown(benefit: Benefit, value: int) -> Decimal:
    """A parameter as it is typed."""
    is_money = benefit.parameter is not None and benefit.parameter.unit == "money"
    return Decimal(value).scaleb(-places()) if is_money else Decimal(value)


def stored(form: forms.BaseForm, benefit: Benefit | None, value: Decimal | None) -> int | None:
    """A parameter as it is kept; what does not fit the kind of benefit is an error of the form."""
    parameter = benefit.parameter if benefit else None
    if parameter is None:
        if value is not None:
            form.add_error("value", gettext("This has no parameter."))
        return None
    if value is None:
        form.add_error("value", gettext("Say the parameter: %s.") % parameter.words)
        return None
    if parameter.unit == "money":
        return int(value.scaleb(places()))
    if value != value.to_integral_value():
        form.add_error("value", gettext("Give a whole number."))
        return None
    return int(value)
