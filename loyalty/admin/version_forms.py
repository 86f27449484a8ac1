from __future__ import annotations

from decimal import Decimal, InvalidOperation

from django import forms
from django.db.models import Max
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from common.admin import money
from common.problems import Problem
from loyalty.admin import sentences
from loyalty.models import CustomEventType, EarningRuleVersion, Expiry, RuleCondition
from loyalty.services import conditions


class VersionForm(forms.ModelForm):
    """A draft in plain words; money is typed as money."""

    event_type = forms.ChoiceField(label=_("when"), widget=UnfoldAdminSelectWidget)
    money_unit = money.MoneyField(
        label=_("… per so much cash"),
        min_value=Decimal("0.01"),
        initial=100,
        help_text=_("1.00 = points for every full unit of money."),
    )
    money_step = money.MoneyField(
        label=_("cash is taken down to multiples of"),
        min_value=Decimal("0.01"),
        initial=1,
        help_text=_("10.00 = only whole tens count."),
    )
    min_cash = money.MoneyField(
        label=_("least cash"), initial=0, help_text=_("Of the lines the rule counts; tested again after a refund.")
    )

    class Meta:
        model = EarningRuleVersion
        fields = [
            "rule", "event_type", "formula", "points", "money_unit", "money_step", "basis", "min_cash", "multiplier_percent",
            "likes_factor", "likes_max", "stacking", "priority", "effective_from", "effective_until", "campaign", "cap_item",
            "cap_order", "cap_day", "cap_month", "cap_quarter", "cap_year", "cap_member", "available_after_days",
            "expiry", "expiry_count", "expiry_date",
        ]  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "event_type" in self.fields:
            own = [
                (name, name) for name in CustomEventType.objects.filter(is_active=True).values_list("name", flat=True)
            ]
            self.fields["event_type"].choices = [*sentences.EVENTS.items(), *own]

    def clean(self):
        data = super().clean()
        expiry = data.get("expiry")
        if expiry == Expiry.FIXED_DATE and not data.get("expiry_date"):
            self.add_error("expiry_date", gettext("Say on which date."))
        if expiry in (Expiry.DAYS, Expiry.SLIDING) and not data.get("expiry_count"):
            self.add_error("expiry_count", gettext("Say after how many days."))
        if expiry == Expiry.CAMPAIGN and not data.get("campaign"):
            self.add_error("campaign", gettext("Points that expire with the campaign need a campaign."))
        return data

    def save(self, commit=True):
        if self.instance._state.adding:
            newest = EarningRuleVersion.objects.filter(rule=self.instance.rule).aggregate(n=Max("number"))["n"]
            self.instance.number = (newest or 0) + 1
        return super().save(commit)


class ConditionForm(forms.ModelForm):
    """One condition; refused at once if the rule engine could not read it."""

    class Meta:
        model = RuleCondition
        fields = ["attribute", "key", "operator", "value"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk and self.instance.attribute in sentences.MONEY:
            self.initial["value"] = self._scaled(self.instance.value, -money.places())

    def clean(self):
        data = super().clean()
        if data.get("attribute") in sentences.MONEY and data.get("value"):
            try:
                data["value"] = self._scaled(data["value"], money.places())
            except (InvalidOperation, ValueError):
                self.add_error("value", gettext("Write amounts of money, for example 50.00."))
                return data
        if not self.errors:
            row = RuleCondition(**{name: data[name] for name in ("attribute", "key", "operator", "value")})
            try:
                conditions.compile(row)
            except Problem as problem:
                self.add_error("value", str(problem.detail))
        return data

    @staticmethod
    def _scaled(text: str, exponent: int) -> str:
        """Amounts separated by commas, in the other unit; whole minor units only."""
        amounts = [Decimal(part.strip()).scaleb(exponent) for part in text.replace("，", ",").split(",")]
        if exponent > 0 and any(amount != int(amount) for amount in amounts):
            raise ValueError(text)
        return ", ".join(str(int(amount)) if exponent > 0 else f"{amount}" for amount in amounts)
