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
from loyalty.admin import score_previews, score_words
from loyalty.admin.editions import EditionAdmin, PartInline
from loyalty.models import CurvePoint, ScoreDimension, ScorePolicy, ScoreSource


class SourceForm(forms.ModelForm):
    """One thing that is counted; the unit of money is typed as money."""

    money_unit = MoneyField(label=_("for each (money only)"), min_value=0, initial=100)

    class Meta:
        model = ScoreSource
        fields = [
            "dimension", "kind", "event_type", "value", "money_unit",
            "cap_order", "cap_day", "cap_month", "cap_category", "cap_store",
        ]  # fmt: skip

    def clean_money_unit(self):
        unit = self.cleaned_data["money_unit"]
        if not unit:
            raise forms.ValidationError(gettext("Say for how much money."))
        return unit

    def clean_value(self):
        value = self.cleaned_data["value"]
        if not value:
            raise forms.ValidationError(gettext("Say what it counts; negative takes away."))
        return value


class DimensionInline(PartInline):
    model = ScoreDimension
    verbose_name_plural = _("Dimensions: their weight, and what each reaches at most")


class SourceInline(PartInline):
    model = ScoreSource
    form = SourceForm
    verbose_name_plural = _("Sources: what is counted, and within which limits (empty: none)")

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("event_type")


class CurveInline(PartInline):
    model = CurvePoint
    verbose_name_plural = _("Curves: straight between these corners; a dimension without corners takes what is counted")


@admin.register(ScorePolicy)
class ScorePolicyAdmin(PreviewMixin, EditionAdmin):
    """How the value score is counted (domain.md F6). Weights and limits are the operator's own."""

    empty = _("No score policy yet, so nobody has a score. Write a draft; a colleague puts it in force.")
    preview_template = "loyalty/score_policy_words.html"
    inlines = [DimensionInline, SourceInline, CurveInline]
    fieldsets = [(None, {"fields": ["note", "settled_on"]})]
    settled_fieldsets = fieldsets
    actions_detail = [*EditionAdmin.actions_detail, "outlook"]

    def preview(self, obj, inlines):
        """What the policy says, dimension by dimension."""
        if inlines is None:
            parts = [*obj.dimensions.all(), *obj.sources.select_related("event_type"), *obj.points.all()]
        else:
            parts = inlines
        of = {
            kind: [part for part in parts if isinstance(part, kind)]
            for kind in (ScoreDimension, ScoreSource, CurvePoint)
        }
        return {"dimensions": score_words.described(of[ScoreDimension], of[ScoreSource], of[CurvePoint])}

    def says(self, edition):
        """The fields, then weight, curve and each source of each dimension."""
        said = super().says(edition)
        points = list(edition.points.all())
        for row in edition.dimensions.all():
            said[str(row)] = score_words.dimension(row)
            corners = [f"{point.x} → {point.y}" for point in points if point.dimension == row.code]
            if corners:
                said[gettext("Curve of %s") % row] = ", ".join(corners)
        for source in edition.sources.select_related("event_type"):
            said[f"{source.get_dimension_display()}: {source}"] = score_words.source(source)
        return said

    def consequences(self, edition):
        address = reverse("admin:loyalty_scorepolicy_outlook", args=[edition.pk])
        look = gettext("See what it does to real members")
        return [
            gettext("The night after, every member's score is counted anew by it. Settled scores stay as they are."),
            format_html('<a class="lp-link" href="{}">{}</a>', address, look),
        ]

    @action(description=_("Preview on real members"), icon="visibility", permissions=["view"], url_path="outlook")
    def outlook(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """What it would make of real scores; nothing is saved."""
        return score_previews.page(self, request, get_object_or_404(self.get_queryset(request), pk=object_id))
