"""Member prices as a file, both ways. The merchant is whoever is signed in; a file cannot name another one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from import_export.fields import Field

from common.admin import money
from common.admin.files import ImportResource
from common.problems import InvalidInput
from loyalty.models import Tier
from members.models import Plan
from merchants.models import MemberPrice, Merchant
from merchants.services import prices


class PriceRow(forms.Form):
    """One line of a file: names as the world knows them, the price as people write it."""

    store = forms.CharField(max_length=60, required=False)
    sku = forms.CharField(max_length=100)
    tier = forms.CharField(max_length=40, required=False)
    plan = forms.CharField(max_length=40, required=False)
    membership = forms.CharField(max_length=60, required=False)
    level = forms.IntegerField(min_value=1, max_value=5, required=False)
    price = money.MoneyField(min_value=0)
    starts_at = forms.DateTimeField()
    ends_at = forms.DateTimeField(required=False)

    def __init__(self, *args, known: dict[str, dict[str, Any]], **kwargs):
        super().__init__(*args, **kwargs)
        self.known = known

    def _named(self, column: str):
        name = self.cleaned_data[column]
        if not name:
            return None
        if name not in self.known[column]:
            raise ValidationError(gettext("There is no such thing here: %s") % name)
        return self.known[column][name]

    def clean_store(self):
        return self._named("store")

    def clean_tier(self):
        return self._named("tier")

    def clean_plan(self):
        return self._named("plan")

    def clean_membership(self):
        return self._named("membership")

    def clean(self):
        data = super().clean()
        chosen = [name for name in ("tier", "plan", "membership") if data.get(name)]
        if len(chosen) != 1 and not self.errors:
            raise ValidationError(gettext("Name a tier, a plan or a membership, and only one of them."))
        data["who"] = {"membership": "club"}.get(chosen[0], chosen[0]) if chosen else ""
        return data


class PriceResource(ImportResource):
    """Store, SKU, for whom, price, time: a row that is known changes its price and end, others are added."""

    row_form = PriceRow
    store = Field("store__code", "store")
    tier = Field("tier__code", "tier")
    plan = Field("plan__code", "plan")
    membership = Field("club__uuid", "membership")
    price = Field(column_name="price")

    class Meta:
        model = MemberPrice
        name = _("member prices")
        fields = ("store", "sku", "tier", "plan", "membership", "level", "price", "starts_at", "ends_at")
        import_id_fields = ("sku",)
        force_init_instance = True
        use_bulk = True
        batch_size = None

    def __init__(self, *, merchant: Merchant | None = None, **kwargs):
        super().__init__(**kwargs)
        self.merchant = merchant

    def dehydrate_price(self, price):
        field = PriceRow.base_fields["price"]
        return str(field.prepare_value(price.price))

    def prepare(self, dataset):
        """What the file may name: the own stores and memberships, the programme's tiers and plans."""
        assert self.merchant is not None
        clubs = list(self.merchant.clubs.all())
        names = [club.name for club in clubs]
        self.known = {
            "store": {store.code: store for store in self.merchant.stores.all()},
            "tier": {tier.code: tier for tier in Tier.objects.all()},
            "plan": {plan.code: plan for plan in Plan.objects.all()},
            "membership": {club.name: club for club in clubs if names.count(club.name) == 1}
            | {str(club.uuid): club for club in clubs},
        }
        self.seen: set[tuple] = set()

    def form_options(self):
        return {"known": self.known}

    def fill(self, instance, data):
        instance.merchant = self.merchant
        instance.store, instance.sku, instance.who = data["store"], data["sku"], data["who"]
        instance.tier, instance.plan, instance.club = data["tier"], data["plan"], data["membership"]
        instance.level, instance.price = data["level"], data["price"]
        instance.starts_at, instance.ends_at = data["starts_at"], data["ends_at"]
        try:
            prices.check(instance)
        except InvalidInput as problem:
            raise ValidationError(str(problem.detail)) from problem
        if prices.key(instance) in self.seen:
            raise ValidationError(gettext("This price stands in the file twice."))
        self.seen.add(prices.key(instance))

    def bulk_create(self, using_transactions, dry_run, raise_errors, batch_size=None, result=None):
        """The service sets them, all or none."""
        rows = list(self.create_instances)
        self.create_instances.clear()
        if rows:
            prices.put(self.merchant, rows, self.actor, timezone.now())
