"""Levels in a form: one row a level, amounts as people write them."""

from __future__ import annotations

from decimal import Decimal

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminColorInputWidget, UnfoldAdminTextInputWidget

from common.admin.money import places
from common.problems import InvalidInput
from merchants.models import Level, LevelScheme
from merchants.services import levels
from merchants.services.levels import Rung


class LevelForm(forms.ModelForm):
    """`basis` says whether the threshold is money or a number of orders."""

    threshold = forms.DecimalField(
        label=_("from"),
        min_value=0,
        max_digits=14,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
        help_text=_("Money spent, or orders. 0 for the first level."),
    )

    class Meta:
        model = Level
        fields = ["name", "threshold", "multiplier_percent", "benefits", "colour"]
        widgets = {"colour": UnfoldAdminColorInputWidget}

    def __init__(self, *args, basis: str = LevelScheme.Basis.AMOUNT, **kwargs):
        super().__init__(*args, **kwargs)
        self.by_amount = basis == LevelScheme.Basis.AMOUNT
        if self.instance.pk and self.by_amount:
            self.initial["threshold"] = Decimal(self.instance.threshold).scaleb(-places())

    def clean_threshold(self):
        value = self.cleaned_data["threshold"].scaleb(places() if self.by_amount else 0)
        if value != value.to_integral_value():
            raise ValidationError(
                gettext("At most two decimals.") if self.by_amount else gettext("A whole number of orders.")
            )
        return int(value)


class LevelFormSet(forms.BaseInlineFormSet):
    """The levels of a draft; they are numbered by what they ask for."""

    def get_form_kwargs(self, index):
        """What is typed goes by the basis that is chosen in the same form, which is not in the instance yet."""
        return {**super().get_form_kwargs(index), "basis": self.data.get("basis", self.instance.basis)}

    def rows(self) -> list[Level]:
        """The rows that stay, lowest first, numbered."""
        kept = [
            form.instance
            for form in self.forms
            if form.is_valid() and not form.cleaned_data.get("DELETE") and (form.instance.pk or form.has_changed())
        ]
        kept.sort(key=lambda level: level.threshold)
        for number, level in enumerate(kept, 1):
            level.number = number
        return kept

    def rungs(self) -> list[Rung]:
        """The same as the service wants it."""
        return [Rung(row.name, row.threshold, row.multiplier_percent, row.benefits, row.colour) for row in self.rows()]

    def clean(self):
        super().clean()
        if any(self.errors):
            return
        try:
            levels.check([(rung.name, rung.threshold) for rung in self.rungs()])
        except InvalidInput as problem:
            raise ValidationError([error["detail"] for error in problem.errors]) from None
