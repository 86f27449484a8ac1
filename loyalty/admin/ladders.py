from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from common.admin.money import MoneyField
from common.admin.preview import PreviewMixin
from loyalty.admin import forecasts, ladder_words
from loyalty.admin.editions import EditionAdmin, PartInline
from loyalty.models import Ladder, Rung


class RungForm(forms.ModelForm):
    """One tier's place; the cost of its benefits is typed as money."""

    benefit_cost = MoneyField(label=_("benefits a member and year"), initial=0, help_text=_("What they cost (F20)."))

    class Meta:
        model = Rung
        fields = [
            "tier", "threshold", "deduction", "validity_months", "needs_order", "places", "share_permille", "benefit_cost",
        ]  # fmt: skip


class RungInline(PartInline):
    """The rungs; static/admin_site/ladder.js hides the columns that the ladder does not use."""

    model = Rung
    form = RungForm
    verbose_name_plural = _("Rungs, the lowest first")

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("tier", "ladder")

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        """Tiers are made on their own page."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "tier":
            for deed in ("add", "change", "delete", "view"):
                setattr(field.widget, f"can_{deed}_related", False)
        return field


@admin.register(Ladder)
class LadderAdmin(PreviewMixin, EditionAdmin):
    """How growth leads to tiers, and how the membership stays a pyramid (domain.md F3–F5)."""

    empty = _("No ladder yet, so nobody rises. Add the tiers first, then write a draft of the ladder.")
    preview_template = "loyalty/ladder_words.html"
    inlines = [RungInline]
    fieldsets = [
        (None, {"fields": ["note"]}),
        (
            _("What time does to growth"),
            {"fields": ["decay", "window_months", ("period_months", "carry_percent"), "half_life_days"]},
        ),
        (_("How the lines between tiers are drawn"), {"fields": ["line", "hysteresis_percent"]}),
        (
            _("How members rise and fall"),
            {
                "fields": [
                    "applies",
                    ("grace_days", "provisional_days", "warn_days"),
                    ("soft_landing", "never_downgrade"),
                ]
            },
        ),
    ]
    settled_fieldsets = [(None, {"fields": ["note"]})]
    conditional_fields = {
        "window_months": "decay == 'window'",
        "period_months": "decay == 'reset'",
        "carry_percent": "decay == 'reset'",
        "half_life_days": "decay == 'half_life'",
        "hysteresis_percent": "line != 'threshold'",
    }

    actions_detail = [*EditionAdmin.actions_detail, "forecast"]

    class Media:
        js = ["admin_site/ladder.js"]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("rungs__tier")

    def preview(self, obj, inlines):
        """What the ladder says, and rung by rung; the highest on top."""
        rungs = list(obj.rungs.select_related("tier")) if inlines is None else inlines
        ordered = sorted(rungs, key=lambda rung: -rung.tier.rank)
        return {
            "sentences": ladder_words.say(obj, rungs),
            "rungs": [(rung.tier, ladder_words.rung(obj, rung)) for rung in ordered],
        }

    def says(self, edition):
        """The fields that the ladder uses, then its rungs."""
        unused = {
            str(edition._meta.get_field(name).verbose_name)
            for name, used in {
                "window_months": edition.decay == Ladder.Decay.WINDOW,
                "period_months": edition.decay == Ladder.Decay.RESET,
                "carry_percent": edition.decay == Ladder.Decay.RESET,
                "half_life_days": edition.decay == Ladder.Decay.HALF_LIFE,
                "hysteresis_percent": edition.by_rank,
            }.items()
            if not used
        }
        said = {name: value for name, value in super().says(edition).items() if name not in unused}
        rungs = edition.rungs.select_related("tier", "ladder").order_by("-tier__rank")
        return said | {rung.tier.name: ladder_words.rung(edition, rung) for rung in rungs}

    def consequences(self, edition):
        if edition.applies == Ladder.Applies.AT_ONCE:
            falls = gettext("On that day every member is judged by it at once: some rise, some fall.")
        else:
            falls = gettext("On that day members who reached a higher tier rise; nobody falls before the next review.")
        address = reverse("admin:loyalty_ladder_forecast", args=[edition.pk])
        look = gettext("See what it does to the real members")
        return [falls, format_html('<a class="lp-link" href="{}">{}</a>', address, look)]

    @action(description=_("Preview on the real members"), icon="visibility", permissions=["view"])
    def forecast(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """What the ladder would do; nothing is saved."""
        return forecasts.page(self, request, get_object_or_404(self.get_queryset(request), pk=object_id))
