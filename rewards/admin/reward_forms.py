"""What a reward must look like, whether it is typed or comes in a file; money is typed as money."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.admin.money import MoneyField
from merchants.models import Store
from rewards.admin import price_lists
from rewards.models import Reward, RewardPrice
from rewards.models.coupons import TERMS, listed

Kind, Codes = Reward.Kind, Reward.Codes

_CODES = {Kind.GIFT: Codes.NONE, Kind.PLAN: Codes.NONE, Kind.DONATION: Codes.NONE, Kind.PARTNER: Codes.PARTNER}


def complete(data: dict[str, Any]) -> dict[str, str]:
    """Settle what follows from the kind; return what is wrong, by field."""
    kind = data.get("kind")
    data["codes"] = _CODES.get(kind, data.get("codes") if data.get("codes") == Codes.PARTNER else Codes.OWN)
    if data["codes"] != Codes.PARTNER:
        data["partner"] = None
    if kind != Kind.PLAN:
        data["plan"] = None
    data["merchant_percent"] = (data.get("merchant") and data.get("merchant_percent")) or 0
    found = _terms(data) if kind == Kind.COUPON else {}
    if kind != Kind.COUPON:
        data.update((name, Reward._meta.get_field(name).get_default()) for name in TERMS)
    if data["codes"] == Codes.PARTNER and not data.get("partner"):
        found["partner"] = gettext("Say whose codes they are.")
    if kind == Kind.PLAN and not data.get("plan"):
        found["plan"] = gettext("Say which plan.")
    if kind == Kind.PLAN and not data.get("validity_days"):
        found["validity_days"] = gettext("Say how many days of the plan.")
    return found | wrong_windows(data)


def wrong_windows(data: dict[str, Any]) -> dict[str, str]:
    """Which windows end before they begin, by field."""
    found = {}
    for window in ("visible", "available"):
        first, end = data.get(f"{window}_from"), data.get(f"{window}_until")
        if first and end and end <= first:
            found[f"{window}_until"] = gettext("The end comes after the start.")
    return found


def _terms(data: dict[str, Any]) -> dict[str, str]:
    """What is wrong with a coupon's terms, by field."""
    found = {}
    data["least_spend"] = data.get("least_spend") or 0
    amount, percent, most = (data.get(name) for name in ("off_amount", "off_percent", "off_most"))
    if amount is not None and percent is not None:
        found["off_percent"] = gettext("Say either an amount or a percentage.")
    if amount == 0:
        found["off_amount"] = gettext("A coupon takes something off.")
    if most is not None and percent is None:
        found["off_most"] = gettext("Only a percentage has a cap.")
    if most == 0:
        found["off_most"] = gettext("A coupon takes something off.")
    if amount is not None and data["least_spend"] and amount > data["least_spend"]:
        found["least_spend"] = gettext("It takes off more than that. Ask for as much at least.")
    if amount is None and percent is None and any(data.get(name) for name in TERMS):
        found["off_amount"] = gettext("Say what it takes off.")
    asked = set(listed(data.get("only_stores") or ""))
    unknown = asked - set(Store.objects.filter(code__in=asked).values_list("code", flat=True))
    if unknown:
        found["only_stores"] = gettext("No store bears the code %s.") % ", ".join(sorted(unknown))
    return found


class RewardForm(forms.ModelForm):
    """One reward, typed."""

    cash = MoneyField(label=_("cash part"), initial=0, help_text=_("Besides the points; 0 = points alone."))
    unit_cost = MoneyField(
        label=_("cost of one"), initial=0, help_text=_("What one costs us; to a partner the contract price of a code.")
    )
    perceived_value = MoneyField(
        label=_("perceived value"), initial=0, help_text=_("What one is worth to a member, at the price in the shop.")
    )
    off_amount = MoneyField(label=_("takes off"), required=False)
    off_most = MoneyField(
        label=_("but at most"), required=False, help_text=_("For a percentage. Empty: there is no cap.")
    )
    least_spend = MoneyField(
        label=_("from"),
        required=False,
        help_text=_("What the goods it is for must cost together, at the member's prices. Empty: anything."),
    )

    class Meta:
        model = Reward
        fields = [
            "name", "code", "description", "symbol", "colour", "picture", "kind", "codes", "partner", "plan",
            "validity_days", "points", "cash", "unit_cost", "perceived_value", "merchant", "merchant_percent",
            "least_tier", "segment", "category", "visible_from", "visible_until", "available_from", "available_until", "stock",
            "limit_day", "limit_month", "limit_ever", *TERMS,
        ]  # fmt: skip
        labels = {"codes": _("whose codes")}
        widgets = {"colour": forms.TextInput(attrs={"type": "color", "class": "lp-colour"})}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "codes" in self.fields:
            # Only coupons are asked; what else comes without a code, or with a partner's, follows from the kind.
            self.fields["codes"].required = False
            self.fields["codes"].widget.choices = [choice for choice in Codes.choices if choice[0] != Codes.NONE]
        if "merchant_percent" in self.fields:
            self.fields["merchant_percent"].required = False

    def clean_stock(self):
        stock, gone = self.cleaned_data["stock"], self.instance.sold + self.instance.reserved
        if stock is not None and stock < gone:
            raise ValidationError(gettext("%d are sold or reserved already; there cannot be fewer.") % gone)
        return stock

    def clean(self):
        data = super().clean()
        # What has been handed out stands fast and is not in the form any more.
        fast = {name: getattr(self.instance, name) for name in ("kind", "codes", "partner", "plan", *TERMS)}
        whole = fast | data
        for field, fault in complete(whole).items():
            self.add_error(field if field in self.fields else None, fault)
        return {name: whole.get(name) for name in data}


class PriceForm(forms.ModelForm):
    """One special price: for a tier, a segment or a plan."""

    cash = MoneyField(label=_("cash part"), initial=0)

    class Meta:
        model = RewardPrice
        fields = ["tier", "segment", "plan", "points", "cash"]

    def clean(self):
        data = super().clean()
        if sum(bool(data.get(name)) for name in ("tier", "segment", "plan")) != 1:
            raise ValidationError(gettext("Say one: a tier, a segment or a plan."))
        return data


class RewardRow(forms.Form):
    """One line of a file: a reward by its code. Sponsor, partner, plan, tier and segment are named by theirs."""

    code = forms.SlugField(max_length=60)
    name = forms.CharField(max_length=100)
    description = forms.CharField(max_length=1000, required=False)
    category = forms.CharField(max_length=100, required=False)
    kind = forms.ChoiceField(choices=Kind.choices)
    codes = forms.ChoiceField(choices=Codes.choices, required=False)
    symbol = forms.RegexField(r"^[a-z0-9_]+$", max_length=40, required=False)
    colour = forms.RegexField(r"^#[0-9a-fA-F]{6}$", required=False)
    picture = forms.URLField(max_length=500, required=False, assume_scheme="https")
    points = forms.IntegerField(min_value=1, max_value=10**12)
    cash = MoneyField(required=False)
    unit_cost = MoneyField(required=False)
    perceived_value = MoneyField(required=False)
    merchant = forms.CharField(required=False)
    merchant_percent = forms.IntegerField(min_value=0, max_value=100, required=False)
    partner = forms.CharField(required=False)
    plan = forms.CharField(required=False)
    validity_days = forms.IntegerField(min_value=1, required=False)
    least_tier = forms.CharField(required=False)
    segment = forms.CharField(required=False)
    visible_from = forms.DateTimeField(required=False)
    visible_until = forms.DateTimeField(required=False)
    available_from = forms.DateTimeField(required=False)
    available_until = forms.DateTimeField(required=False)
    stock = forms.IntegerField(min_value=0, required=False)
    limit_day = forms.IntegerField(min_value=0, required=False)
    limit_month = forms.IntegerField(min_value=0, required=False)
    limit_ever = forms.IntegerField(min_value=0, required=False)
    off_amount = MoneyField(required=False)
    off_percent = forms.IntegerField(min_value=1, max_value=100, required=False)
    off_most = MoneyField(required=False)
    least_spend = MoneyField(required=False)
    only_categories = forms.CharField(max_length=1000, required=False)
    only_stores = forms.CharField(max_length=1000, required=False)
    only_skus = forms.CharField(max_length=2000, required=False)
    prices = forms.CharField(max_length=2000, required=False)

    NAMED = ("merchant", "partner", "plan", "least_tier", "segment")

    def __init__(self, *args, known: dict[str, dict[str, Any]], **kwargs):
        super().__init__(*args, **kwargs)
        self.known = known

    def clean_prices(self):
        return price_lists.read(self.cleaned_data["prices"], self.known | {"tier": self.known["least_tier"]})

    def clean(self):
        data = super().clean()
        for name in self.NAMED:
            word = data.get(name)
            data[name] = self.known[name].get(word) if word else None
            if word and data[name] is None:
                self.add_error(name, gettext("There is none with the code %s.") % word)
        for field, fault in complete(data).items():
            self.add_error(field, fault)
        return data
