"""Status medals: what they look like and count, who holds them, and the console of each."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from common.admin import confirm, panels, tags
from common.admin.base import AuditedAdmin, actor, refuse
from common.admin.money import MoneyField
from common.problems import Problem
from loyalty.admin import medal_console, medal_words
from loyalty.models import Medal, MedalCategory, MedalLevel
from loyalty.selectors import medals
from loyalty.services import medal_segments
from members.models import Member


class MedalForm(forms.ModelForm):
    """What a medal counts; only what belongs to its kind is kept."""

    money_unit = MoneyField(
        label=_("for each whole"),
        min_value=0,
        initial=10_00,
        help_text=_("Net cash after refunds, over twelve months."),
    )

    class Meta:
        model = Medal
        fields = [
            "name", "code", "description", "colour", "icon", "is_active", "kind", "behaviour", "event_type", "per_money",
            "money_unit", "per_day", "per_content",
        ]  # fmt: skip
        widgets = {"colour": forms.TextInput(attrs={"type": "color", "class": "lp-colour"})}

    def clean_money_unit(self):
        unit = self.cleaned_data["money_unit"]
        if not unit:
            raise forms.ValidationError(gettext("Say for how much money the score is given."))
        return unit

    def clean(self):
        data = super().clean()
        if data.get("kind") == Medal.Kind.CATEGORY:
            data["behaviour"] = ""
        elif not data.get("behaviour"):
            self.add_error("behaviour", gettext("Say what is counted."))
        if data.get("behaviour") != Medal.Behaviour.EVENT:
            data["event_type"] = None
        elif not data.get("event_type"):
            self.add_error("event_type", gettext("Choose the type of event that is counted."))
        return data


class CategoryInline(TabularInline):
    model = MedalCategory
    extra = 1
    fields = ["category"]
    verbose_name_plural = _("Categories that count")


class LevelForm(forms.ModelForm):
    """One level; the cost of its benefits is typed as money."""

    benefit_cost = MoneyField(label=_("benefits a member and year"), initial=0, help_text=_("What they cost."))

    class Meta:
        model = MedalLevel
        fields = ["number", "name", "score", "share_permille", "benefits", "benefit_cost"]


class LevelFormSet(forms.BaseInlineFormSet):
    """The levels together: a higher one asks for more."""

    def clean(self):
        super().clean()
        rows = [row for row in self.forms if row.is_valid() and row not in self.deleted_forms]
        if faults := MedalLevel.faults(row.instance for row in rows if row.instance.pk or row.has_changed()):
            raise forms.ValidationError(faults)


class LevelInline(TabularInline):
    model = MedalLevel
    form = LevelForm
    formset = LevelFormSet
    extra = 0
    verbose_name_plural = _("Levels, the lowest first; changes count from the next month")


class SegmentForm(forms.Form):
    """Whose segment, and what it is called."""

    level = forms.ModelChoiceField(MedalLevel.objects.none(), label=_("level"), widget=UnfoldAdminSelectWidget)
    name = forms.CharField(label=_("name of the segment"), max_length=100, widget=UnfoldAdminTextInputWidget)
    code = forms.SlugField(
        label=_("code"), max_length=60, widget=UnfoldAdminTextInputWidget, help_text=_("Rules know it by this.")
    )

    def __init__(self, *args, medal: Medal, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["level"].queryset = medal.levels.order_by("-number").select_related("medal")
        self.fields["level"].label_from_instance = lambda level: level.name


@admin.register(Medal)
class MedalAdmin(AuditedAdmin):
    """Medals with their levels. A medal is switched off, not deleted: its history stays."""

    empty = _("No medal yet. A medal honours members of a category, or what they do, in levels.")
    form = MedalForm
    list_display = ["looks", "says", "levels_bar", "state_label"]
    list_display_links = ["looks"]
    list_filter = ["kind", "is_active"]
    search_fields = ["name", "code", "categories__category"]
    search_help_text = _("A name, a code or a category.")
    prepopulated_fields = {"code": ["name"]}
    inlines = [LevelInline, CategoryInline]
    actions_detail = ["console", "gather"]
    fieldsets = [
        (None, {"fields": [("name", "code"), "description", ("colour", "icon"), "is_active"]}),
        (
            _("What it counts, over twelve whole months"),
            {"fields": ["kind", ("behaviour", "event_type"), ("per_money", "money_unit"), ("per_day", "per_content")]},
        ),
    ]
    conditional_fields = {
        "behaviour": "kind == 'behaviour'",
        "event_type": "kind == 'behaviour' && behaviour == 'event'",
        "per_money": "kind == 'category'",
        "money_unit": "kind == 'category'",
        "per_day": "kind == 'category'",
    }

    def get_queryset(self, request):
        levels = MedalLevel.objects.annotate(size=Count("standings")).order_by("number")
        return (
            super()
            .get_queryset(request)
            .select_related("event_type")
            .prefetch_related("categories", Prefetch("levels", levels))
        )

    def get_readonly_fields(self, request, obj=None):
        """Benefits and rules know a medal by its code."""
        return ["code"] if obj else []

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else self.prepopulated_fields

    def has_delete_permission(self, request, obj=None):
        return False

    def has_console_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("loyalty.view_medalstanding")

    def has_gather_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("loyalty.add_segment")

    @admin.display(description=_("medal"), ordering="name")
    def looks(self, medal):
        return medal_words.badge(medal)

    @admin.display(description=_("what it counts"))
    def says(self, medal):
        return medal_words.say(medal)

    @admin.display(description=_("members by level"))
    def levels_bar(self, medal):
        return medal_words.bar(medal, list(medal.levels.all()))

    @tags.tagged(_("state"), {"on": tags.GOOD, "off": tags.WAITING})
    def state_label(self, medal):
        return ("on", gettext("Active")) if medal.is_active else ("off", gettext("Switched off"))

    @action(description=_("Console"), icon="monitoring", permissions=["console"])
    def console(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Who holds the medal, what they bring, and what else they buy."""
        medal = get_object_or_404(self.get_queryset(request), pk=object_id)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": medal.name, "original": medal}
        context |= medal_console.fill(medal, request.GET.get("level", ""))
        context["may_gather"] = self.has_gather_permission(request)
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "loyalty/medal_console.html", context)

    @action(description=_("Make a segment of a level"), icon="group_add", permissions=["gather"])
    def gather(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """List the members of a level in a new segment, for rules and campaigns."""
        medal = get_object_or_404(Medal, pk=object_id)
        form = SegmentForm(request.POST or None, medal=medal, initial={"level": request.GET.get("level")})
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            try:
                segment = medal_segments.gather(
                    data["level"], code=data["code"], name=data["name"], actor=actor(request), at=timezone.now()
                )
            except Problem as problem:
                refuse(request, problem)
            else:
                messages.success(request, gettext("The segment “%s” is there.") % segment)
                return redirect("admin:loyalty_segment_change", segment.pk)
        return confirm.page(
            self,
            request,
            medal,
            title=gettext("Make a segment of a level"),
            says=[
                gettext(
                    "The segment lists who holds exactly this level now. Who comes or goes later does not change it."
                )
            ],
            submit=gettext("Make the segment"),
            form=form,
        )


def _panel(member: Member, request: HttpRequest) -> dict:
    """Badges the member holds, and how far it is to the next ones; what has no score is left out."""
    rows = [row for row in medals.progress(member.pk) if row.score or row.level]
    rows.sort(key=lambda row: (-(row.level.number if row.level else 0), -row.percent))
    return {"rows": [medal_words.line(row) for row in rows], "is_shown": medals.is_shown(member.pk)}


panels.register_panel(
    Member._meta.label,
    panels.Panel("medals", _("Medals"), "loyalty/panels/medals.html", _panel, "loyalty.view_medalstanding", 7),
)
