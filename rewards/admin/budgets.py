from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from common.admin import words
from common.admin.base import AuditedAdmin
from common.admin.money import MoneyField
from loyalty.admin.tiers import badge
from rewards.models import BenefitBudget


class BudgetForm(forms.ModelForm):
    """A budget, typed as money."""

    monthly = MoneyField(label=_("budget a month"), help_text=_("For all benefits of the tier's members (F20)."))

    class Meta:
        model = BenefitBudget
        fields = ["tier", "monthly", "margin_permille"]


@admin.register(BenefitBudget)
class BenefitBudgetAdmin(AuditedAdmin):
    """What the benefits of a tier may cost; a grant that costs more is not put in force."""

    empty = _("No budget yet, so benefits may cost what they like. Add one for each tier.")
    form = BudgetForm
    list_display = ["looks", "money", "margin"]
    list_display_links = ["looks"]
    list_select_related = ["tier"]
    ordering = ["-tier__rank"]

    def get_readonly_fields(self, request, obj=None):
        return ["tier"] if obj else []

    @admin.display(description=_("tier"), ordering="tier__rank")
    def looks(self, budget):
        return badge(budget.tier)

    @admin.display(description=_("budget a month"), ordering="monthly")
    def money(self, budget):
        return words.money(budget.monthly)

    @admin.display(description=_("contribution margin"), ordering="margin_permille")
    def margin(self, budget):
        return (
            "–" if budget.margin_permille is None else f"{budget.margin_permille // 10}.{budget.margin_permille % 10} %"
        )
