"""The catalogue as a file, both ways."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from import_export.fields import Field

from common import clock
from common.admin.files import ImportResource
from common.admin.money import typed
from common.services import audit
from loyalty.models import Segment, Tier
from members.models import Plan
from merchants.models import Merchant
from rewards.admin import price_lists
from rewards.admin.reward_forms import RewardRow, wrong_windows
from rewards.models import Partner, Reward
from rewards.models.coupons import TERMS
from rewards.services import rewards

_NAMED: dict[str, Any] = {
    "merchant": Merchant, "partner": Partner, "plan": Plan, "least_tier": Tier, "segment": Segment,
}  # fmt: skip
_MONEY = ("cash", "unit_cost", "perceived_value", "off_amount", "off_most", "least_spend")
_INSTANTS = ("visible_from", "visible_until", "available_from", "available_until")
_FAST = ("kind", "codes", "partner", "plan")
_DEFAULTS = {
    "symbol": "redeem",
    "colour": "#2563eb",
    "cash": 0,
    "unit_cost": 0,
    "perceived_value": 0,
    "merchant_percent": 0,
    "least_spend": 0,
}


class RewardResource(ImportResource):
    """One reward a line, known by its code: new ones become drafts, and a change asks for a second person again."""

    row_form = RewardRow
    taken = 0
    merchant = Field("merchant__code", "merchant")
    partner = Field("partner__code", "partner")
    plan = Field("plan__code", "plan")
    least_tier = Field("least_tier__code", "least_tier")
    segment = Field("segment__code", "segment")
    prices = Field(column_name="prices")

    class Meta:
        model = Reward
        name = _("rewards")
        fields = (*RewardRow.base_fields, "status", "sold", "reserved")
        import_id_fields = ("code",)
        skip_unchanged = False

    def filter_export(self, queryset, **kwargs):
        return queryset.prefetch_related("prices__tier", "prices__segment", "prices__plan")

    def export_field(self, field, instance, **kwargs):
        """Money as it is typed, instants on the programme's clock, special prices in one cell."""
        name = field.column_name
        if name == "prices":
            return _prices(instance)
        if name in _MONEY:
            return typed(getattr(instance, name))
        if name in _INSTANTS:
            at = getattr(instance, name)
            return clock.local(at).isoformat() if at else ""
        return super().export_field(field, instance, **kwargs)

    def prepare(self, dataset):
        """Everything a line may name, by code."""
        self.columns = set(dataset.headers)
        self.known = {name: {row.code: row for row in model.objects.all()} for name, model in _NAMED.items()}
        found = Reward.objects.filter(code__in={str(code) for code in dataset["code"]})
        self.handed_out = set(found.filter(redemptions__isnull=False).values_list("code", flat=True))
        self.seen: set[str] = set()

    def form_options(self):
        return {"known": self.known}

    def fill(self, instance, data):
        """Columns that the file does not have stay as they are."""
        if data["code"] in self.seen:
            raise ValidationError({"code": gettext("This code stands in an earlier line.")})
        self.seen.add(data["code"])
        changes = {name: value for name, value in data.items() if name in self.columns or name in _FAST}
        changes |= {name: changes[name] or default for name, default in _DEFAULTS.items() if name in changes}
        if data["code"] in self.handed_out and any(getattr(instance, name) != data[name] for name in _FAST):
            raise ValidationError({"kind": gettext("It was handed out: kind, codes, partner and plan stand fast.")})
        if data["code"] in self.handed_out and any(getattr(instance, n) != changes[n] for n in TERMS if n in changes):
            raise ValidationError({"off_amount": gettext("It was handed out: what it takes off stands fast.")})
        if data["stock"] is not None and data["stock"] < instance.sold + instance.reserved:
            raise ValidationError({"stock": gettext("More than that are sold or reserved already.")})
        instance.new_prices = changes.pop("prices", None)
        differs = {name for name, value in changes.items() if instance.pk is None or getattr(instance, name) != value}
        for name, value in changes.items():
            setattr(instance, name, value)
        if faults := wrong_windows(vars(instance)):
            raise ValidationError(faults)
        if instance.new_prices is not None and price_lists.say(instance.new_prices) != _prices(instance):
            differs.add("prices")
        instance.differs = differs

    def save_instance(self, instance, is_create, row, **kwargs):
        """The counters of the stock are not the file's to write."""
        if not is_create and not instance.differs:
            return
        rewards.changed(instance, self.actor.staff, instance.differs)
        instance._history_user = self.actor.staff
        if is_create:
            instance.save()
        else:
            instance.save(update_fields=[*(instance.differs - {"prices"}), "status", "created_by"])
        if "prices" in instance.differs:
            instance.prices.all().delete()
            instance.prices.add(*instance.new_prices, bulk=False)
        self.taken += 1

    def after_import(self, dataset, result, **kwargs):
        summary = gettext("Imported %d rewards.") % self.taken
        audit.record(self.actor, "rewards.rewards.import", None, summary, timezone.now())


def _prices(reward: Reward) -> str:
    return price_lists.say(reward.prices.all()) if reward.pk else ""
