from __future__ import annotations

from django import forms
from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.admin import words
from common.admin.money import MoneyField
from common.admin.preview import PreviewMixin
from merchants.admin import campaign_words
from merchants.admin.site import site
from merchants.models import CardSegment, Deed
from merchants.selectors import segments

from .base import PortalAdmin


class SegmentForm(forms.ModelForm):
    spent_from = MoneyField(label=_("Spent from"), required=False)
    spent_to = MoneyField(label=_("Spent to"), required=False)

    class Meta:
        model = CardSegment
        fields = [
            "name", "club", "level_from", "level_to", "spent_from", "spent_to", "orders_from", "orders_to",
            "joined_within", "joined_before", "ordered_within", "idle_for", "channel",
        ]  # fmt: skip

    def clean(self):
        data = super().clean()
        for what in ("level", "spent", "orders"):
            low, high = data.get(f"{what}_from"), data.get(f"{what}_to")
            if low is not None and high is not None and high < low:
                self.add_error(f"{what}_to", _("This lies below the lower bound."))
        return data


@admin.register(CardSegment, site=site)
class CardSegmentAdmin(PreviewMixin, PortalAdmin):
    """Groups of your members. Every condition that is filled in must hold; who is in it is counted anew each time."""

    tenant = "club__merchant"
    edits = Deed.EDIT
    empty = _(
        "No segment yet. A segment is a group of your members: the high-spenders, the new ones, those who went quiet."
    )
    form = SegmentForm
    list_display = ["name", "club", "conditions"]
    list_select_related = ["club"]
    list_filter = ["club"]
    search_fields = ["name"]
    preview_template = "merchants/segment_preview.html"
    fieldsets = [
        (None, {"fields": [("name", "club")]}),
        (
            _("Value"),
            {"fields": [("level_from", "level_to"), ("spent_from", "spent_to"), ("orders_from", "orders_to")]},
        ),
        (_("Time"), {"fields": [("joined_within", "joined_before"), ("ordered_within", "idle_for")]}),
        (_("Where they came from"), {"fields": ["channel"]}),
    ]

    @admin.display(description=_("conditions"))
    def conditions(self, segment):
        """What is filled in, by the form's own labels."""
        parts = []
        for field in segment._meta.concrete_fields:
            value = getattr(segment, field.attname)
            if field.name in ("id", "club", "name") or value in (None, ""):
                continue
            said = words.money(value) if field.name.startswith("spent") else value
            parts.append(f"{field.verbose_name}: {said}")
        return "; ".join(parts) or _("all members")

    def preview(self, obj, inlines):
        levels = segments.by_level(segments.cards(obj, timezone.now()))
        everybody = segments.reachable(obj.club_id).count()
        return {
            "members": words.number(sum(count for _level, count in levels)),
            "everybody": words.number(everybody),
            "levels": campaign_words.levels(levels),
        }
