from django import forms
from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.admin import words
from common.admin.money import MoneyField
from loyalty.admin.editions import EditionAdmin
from loyalty.models import GrowthPolicy


class GrowthPolicyForm(forms.ModelForm):
    """What growth is given for; money is typed as money."""

    money_unit = MoneyField(
        label=_("1 growth for each"), min_value=1, help_text=_("Of cash; rounded down for each sub-order.")
    )
    min_order_cash = MoneyField(label=_("least cash of an order"), help_text=_("Smaller ones give no growth."))

    class Meta:
        model = GrowthPolicy
        exclude: list[str] = []


@admin.register(GrowthPolicy)
class GrowthPolicyAdmin(EditionAdmin):
    """What members grow by: orders, shopping days, log-ins, reviews (domain.md F1)."""

    empty = _("No growth policy yet, so nobody grows. Write a draft; a colleague puts it in force.")
    form = GrowthPolicyForm
    settled_fieldsets = [(None, {"fields": ["note", "in_words"]})]
    fieldsets = [
        (None, {"fields": ["note", "scope"]}),
        (
            _("Orders"),
            {
                "fields": [
                    ("money_unit", "min_order_cash"),
                    ("by_store", "without_virtual"),
                    "excluded_categories",
                ]
            },
        ),
        (_("Shopping days"), {"fields": [("days_bonus", "days_needed", "days_paid_on")]}),
        (_("Log-ins and reviews"), {"fields": [("login", "review"), ("photo_review", "photo_first")]}),
        (_("From when on"), {"fields": ["activity_needs_order"]}),
    ]

    readonly_fields = [*EditionAdmin.readonly_fields, "in_words"]

    @admin.display(description=_("what it says"))
    def in_words(self, policy):
        return words.pairs({name: str(value) for name, value in self.says(policy).items()})

    def consequences(self, edition):
        return [
            gettext("What happened before keeps the growth it gave; what happens from then on follows this edition.")
        ]
