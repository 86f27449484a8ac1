"""Memberships in a form, the same on both sites."""

from __future__ import annotations

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSplitDateTimeWidget,
)

from common.admin.money import MoneyField
from merchants.models import Club, ClubStore, Merchant, Store


class ClubForm(forms.ModelForm):
    """A membership with its stores. The page sets `stores`, what it offers, and may set `merchant`."""

    stores: QuerySet[Store] = Store.objects.none()
    merchant: Merchant | None = None

    takes_part = forms.ModelMultipleChoiceField(
        Store.objects.none(),
        label=_("stores that take part"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("One for a membership of one store, two or more for a joint one."),
    )
    money_unit = MoneyField(
        label=_("1 point for every"),
        min_value=0.01,
        help_text=_("Of cash paid; rounded down for each order, after the level's multiplier."),
    )

    class Meta:
        model = Club
        fields = ["merchant", "name", "scope", "brand", "unit_name", "money_unit", "welcome_points"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "takes_part" in self.fields:
            self.fields["takes_part"].queryset = self.stores
        if self.instance.pk:
            self.initial["takes_part"] = list(self.instance.club_stores.values_list("store_id", flat=True))
        else:
            self.initial.setdefault("money_unit", Club._meta.get_field("money_unit").default)

    def clean(self):
        data = super().clean()
        scope = data.get("scope", self.instance.scope)
        brand = data.get("brand", self.instance.brand)
        merchant = data.get("merchant") or self.merchant
        if merchant is None and self.instance.merchant_id:
            merchant = self.instance.merchant
        if scope == Club.Scope.BRAND and brand is None:
            self.add_error("brand", gettext("Name the brand."))
        if scope != Club.Scope.BRAND and brand is not None:
            self.add_error("brand", gettext("Only a brand's membership names a brand."))
        if brand and merchant and brand.merchant_id != merchant.pk:
            self.add_error("brand", gettext("The brand is another merchant's."))
        self._check_stores(data.get("takes_part") or [], scope, merchant)
        return data

    def _check_stores(self, stores, scope, merchant):
        if scope == Club.Scope.SINGLE and len(stores) > 1:
            self.add_error("takes_part", gettext("A membership of one store has one store."))
        if merchant and any(store.merchant_id != merchant.pk for store in stores):
            self.add_error("takes_part", gettext("A store belongs to another merchant."))
        taken = ClubStore.objects.filter(store__in=stores, scope=scope).exclude(club=self.instance.pk)
        for row in taken.select_related("store", "club"):
            words = gettext("%(store)s takes part in “%(club)s” already.") % {"store": row.store, "club": row.club}
            self.add_error("takes_part", words)


class WindDownForm(forms.Form):
    """When it ends and what the points are worth then."""

    ends_at = forms.SplitDateTimeField(label=_("ends at"), widget=UnfoldAdminSplitDateTimeWidget)
    exchange_permille = forms.IntegerField(
        label=_("points of the programme for 1,000 points of the card"),
        min_value=0,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("What this may cost is set aside from the purse at once. 0 = the points end with the membership."),
    )
