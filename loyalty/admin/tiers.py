from django import forms
from django.contrib import admin
from django.db.models import Count
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from common.admin import words
from common.admin.base import AuditedAdmin
from loyalty.models import Tier


def badge(tier: Tier | None) -> SafeString | str:
    """A tier as people see it: its icon in its colour, and its name."""
    if tier is None:
        return "–"
    return format_html(
        '<span class="lp-badge"><span class="material-symbols-outlined" style="color:{}">{}</span>{}</span>',
        tier.colour,
        tier.icon,
        tier.name,
    )


class TierForm(forms.ModelForm):
    class Meta:
        model = Tier
        fields = ["name", "code", "rank", "colour", "icon"]
        widgets = {"colour": forms.TextInput(attrs={"type": "color", "class": "lp-colour"})}


@admin.register(Tier)
class TierAdmin(AuditedAdmin):
    """Levels of standing, the lowest first. What leads to them is said by the ladder in force."""

    empty = _("No tier yet. Add the tiers, the lowest with rank 0, then write a ladder that leads to them.")
    form = TierForm
    list_display = ["looks", "rank", "code", "member_count"]
    list_display_links = ["looks"]
    search_fields = ["name", "code"]
    search_help_text = _("A name or a code.")
    ordering = ["rank"]

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(size=Count("standings"))

    def get_readonly_fields(self, request, obj=None):
        """Rules know a tier by its code."""
        return ["code"] if obj else []

    @admin.display(description=_("tier"), ordering="name")
    def looks(self, tier):
        return badge(tier)

    @admin.display(description=_("members"), ordering="size")
    def member_count(self, tier):
        found = reverse("admin:loyalty_standing_changelist", query={"tier__id__exact": tier.pk})
        return format_html('<a class="lp-link" href="{}">{}</a>', found, words.number(tier.size))
