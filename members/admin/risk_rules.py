"""Risk rules: written in a form that says in words what it means, tried in shadow, put in force by a colleague."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
)

from common.admin import confirm, tags, words
from common.admin.base import AuditedAdmin, actor, refuse
from common.admin.preview import PreviewMixin
from common.admin.seen import SeenForm, agreed, whole
from common.problems import Problem
from members.admin import risk_words
from members.models import RiskRule, RiskRuleVersion
from members.models.risk_words import FACTS, Action, Conduct, Counter
from members.services import risk_presets, risk_previews, risk_rules

Mode = RiskRuleVersion.Mode
_UNITS = ((1, _("minutes")), (60, _("hours")), (1440, _("days")))
_GUARDED = [(action.value, action.label) for action in Action if action not in FACTS]


class VersionForm(forms.ModelForm):
    """A draft; the window is said in the unit that suits it."""

    # Not named `window`: the form's scripts know each field by its name and would take it for the browser's.
    span = forms.IntegerField(label=_("in a rolling window of"), min_value=1, widget=UnfoldAdminIntegerFieldWidget)
    unit = forms.TypedChoiceField(label=_("unit"), choices=_UNITS, coerce=int, widget=UnfoldAdminSelectWidget)
    conducts = forms.MultipleChoiceField(
        label=_("only of conduct"),
        choices=Conduct.choices,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("How the member has behaved so far. Nothing chosen: whatever it was."),
    )
    block_actions = forms.MultipleChoiceField(
        label=_("blocked from"), choices=_GUARDED, required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    class Meta:
        model = RiskRuleVersion
        fields = [
            "rule", "action", "counter", "limit", "younger_than_days", "spares_verified", "tiers", "conducts", "outcome",
            "block_actions", "block_days", "reason_en", "reason_zh", "effective_from", "effective_until",
        ]  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        minutes = self.instance.window_minutes
        size = next((size for size, _name in reversed(_UNITS) if minutes % size == 0), 1)
        self.initial.setdefault("span", minutes // size)
        self.initial.setdefault("unit", size)
        self.initial.setdefault("effective_from", timezone.now())

    def clean(self):
        data = super().clean()
        if data.get("span") and data.get("unit"):
            self.instance.window_minutes = data["span"] * data["unit"]
        begins, ends = data.get("effective_from"), data.get("effective_until")
        if begins and ends and ends <= begins:
            self.add_error("effective_until", gettext("The end comes after the start."))
        return data

    def _post_clean(self):
        """What the service would refuse later is refused now."""
        super()._post_clean()
        if not self.errors and (faults := self.instance.faults()):
            self.add_error(None, faults)

    def save(self, commit=True):
        if self.instance._state.adding:
            self.instance.number = risk_rules.next_number(self.instance.rule_id)
        return super().save(commit)


@admin.register(RiskRule)
class RiskRuleAdmin(AuditedAdmin):
    """The open list of holes and how they are filled (S2-57)."""

    empty = _("No rule yet. Add one, or begin with the drafts that come with the house: “Draft the known ones”.")
    list_display = ["name", "state", "says", "met"]
    search_fields = ["name", "code", "description"]
    search_help_text = _("A name, a code, or words of the description.")
    fields = ["name", "code", "description", "versions_table"]
    readonly_fields = ["versions_table"]
    prepopulated_fields = {"code": ["name"]}
    actions_list = ["install"]
    actions_detail = ["new_version"]

    def get_queryset(self, request):
        since = timezone.now() - risk_previews.SPAN
        versions = RiskRuleVersion.objects.select_related("rule").order_by("-number")
        recent = Q(versions__refusals__at__gt=since)
        rows = super().get_queryset(request).prefetch_related(Prefetch("versions", versions))
        return rows.annotate(met_total=Count("versions__refusals", filter=recent))

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else self.prepopulated_fields

    def get_readonly_fields(self, request, obj=None):
        return [*self.readonly_fields, *(["code"] if obj else [])]

    def get_fields(self, request, obj=None):
        return self.fields if obj else self.fields[:-1]

    def has_delete_permission(self, request, obj=None):
        """A rule ends when its version ends; what it refused stays explained."""
        return False

    def has_new_version_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("members.add_riskruleversion")

    def has_install_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("members.add_riskruleversion")

    @tags.tagged(_("state"), risk_words.MODE_COLOURS)
    def state(self, rule):
        version = _chief(rule)
        return (version.mode, version.get_mode_display()) if version else ("", gettext("No version yet"))

    @admin.display(description=_("what it says"))
    def says(self, rule):
        version = _chief(rule)
        return risk_words.say(version) if version else gettext("Nothing yet.")

    @admin.display(description=_("met in 30 days"), ordering="met_total")
    def met(self, rule):
        return words.number(rule.met_total)

    @admin.display(description=_("versions"))
    def versions_table(self, rule):
        rows = [
            (
                words.link(version, gettext("Version %d") % version.number),
                tags.tag(version.get_mode_display(), risk_words.MODE_COLOURS.get(version.mode, "")),
                risk_words.say(version),
            )
            for version in rule.versions.all()
        ]
        if not rows:
            return gettext("None yet. Write the first one with “New version”.")
        body = format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td></tr>", rows)
        return format_html('<table class="lp-table">{}</table>', body)

    @action(description=_("New version"), icon="edit_note", permissions=["new_version"], url_path="new-version")
    def new_version(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Go on with the draft there is, copy the newest version, or begin the first one."""
        rule = get_object_or_404(self.get_queryset(request), pk=object_id)
        newest = next(iter(rule.versions.all()), None)
        if newest is None:
            return redirect(f"{reverse('admin:members_riskruleversion_add')}?rule={rule.pk}")
        if newest.mode != Mode.DRAFT and request.method != "POST":
            return confirm.new_version(self, request, rule, newest)
        if newest.mode != Mode.DRAFT:
            newest = risk_rules.draft_from(newest, actor(request), timezone.now())
        return redirect("admin:members_riskruleversion_change", newest.pk)

    @action(description=_("Draft the known ones"), icon="library_add", permissions=["install"], url_path="install")
    def install(self, request: HttpRequest) -> HttpResponse:
        """Say which, then draft the rules that come with the house."""
        if request.method != "POST":
            says = [
                gettext("These are drafted, where they are missing. Nothing is refused before they are put in force.")
            ]
            facts = [(preset.name, preset.description) for preset in risk_presets.PRESETS]
            return confirm.page(
                self, request, None, title=gettext("Draft the known rules?"), says=says, facts=facts,
                submit=gettext("Draft them"),
            )  # fmt: skip
        made = risk_presets.install(request.user, timezone.now())
        messages.success(request, gettext("%d rules were drafted.") % len(made))
        return redirect("admin:members_riskrule_changelist")


def _chief(rule: RiskRule) -> RiskRuleVersion | None:
    """The version to show of a rule: in force, else in shadow, else the newest."""
    versions = list(rule.versions.all())
    running = [version for mode in (Mode.ACTIVE, Mode.SHADOW) for version in versions if version.mode == mode]
    return next(iter(running or versions), None)


@admin.register(RiskRuleVersion)
class RiskRuleVersionAdmin(PreviewMixin, AuditedAdmin):
    """What a rule says. Drafts are edited; a version that runs never changes."""

    empty = _("No version yet. Begin with a risk rule.")
    form = VersionForm
    preview_template = "members/risk_preview.html"
    list_display = ["title", "state", "says", "effective_from", "effective_until", "created_by", "activated_by"]
    list_filter = ["mode", "action", "outcome", "rule"]
    list_select_related = ["rule", "created_by", "activated_by"]
    search_fields = ["rule__name", "rule__code"]
    search_help_text = _("A rule's name or code.")
    autocomplete_fields = ["rule"]
    actions_detail = ["watch", "activate", "new_version", "retire"]
    fieldsets = [
        (None, {"fields": [("rule", "action"), ("limit", "counter"), ("span", "unit")]}),
        (_("For whom"), {"fields": [("younger_than_days", "tiers"), "spares_verified", "conducts"]}),
        (_("What follows"), {"fields": ["outcome", ("block_days", "block_actions"), "reason_en", "reason_zh"]}),
        (_("When"), {"fields": [("effective_from", "effective_until")]}),
    ]
    settled_fieldsets = [
        (None, {"fields": [("rule", "state"), ("effective_from", "effective_until"), "reason_en", "reason_zh"]}),
        (_("Who"), {"fields": [("created_by", "created_at"), ("activated_by", "activated_at")]}),
    ]
    readonly_fields = ["state", "created_by", "created_at", "activated_by", "activated_at"]
    conditional_fields = {"block_days": "outcome == 'block'", "block_actions": "outcome == 'block'"}

    def get_fieldsets(self, request, obj=None):
        """What is settled is said in words above; the form is for drafts."""
        editable = self.has_change_permission(request, obj) if obj else True
        return self.fieldsets if editable else self.settled_fieldsets

    def has_change_permission(self, request, obj=None):
        """Only drafts can be changed."""
        return (obj is None or obj.mode == Mode.DRAFT) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        return obj is not None and obj.mode == Mode.DRAFT and super().has_delete_permission(request, obj)

    def has_watch_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("members.change_riskruleversion") and self._is(object_id, Mode.DRAFT)

    def has_activate_permission(self, request: HttpRequest, object_id=None) -> bool:
        """Whoever puts rules in force; the service asks for a second person."""
        may = request.user.has_perm("members.activate_riskruleversion")
        return may and self._is(object_id, Mode.DRAFT, Mode.SHADOW)

    def has_retire_permission(self, request: HttpRequest, object_id=None) -> bool:
        may = request.user.has_perm("members.activate_riskruleversion")
        return may and self._is(object_id, Mode.ACTIVE, Mode.SHADOW)

    def has_new_version_permission(self, request: HttpRequest, object_id=None) -> bool:
        may = request.user.has_perm("members.add_riskruleversion")
        return may and self._is(object_id, Mode.ACTIVE, Mode.SHADOW, Mode.RETIRED)

    def _is(self, object_id, *modes: str) -> bool:
        return RiskRuleVersion.objects.filter(pk=object_id, mode__in=modes).exists()

    @admin.display(description=_("version"), ordering="rule__name")
    def title(self, version):
        return str(version)

    @tags.tagged(_("state"), risk_words.MODE_COLOURS)
    def state(self, version):
        if version.mode == Mode.ACTIVE and version.effective_from > timezone.now():
            return Mode.SHADOW, gettext("In force from %s") % words.instant(version.effective_from)
        if version.mode == Mode.ACTIVE and version.effective_until and version.effective_until <= timezone.now():
            return Mode.RETIRED, gettext("Ended")
        return version.mode, version.get_mode_display()

    @admin.display(description=_("what it says"))
    def says(self, version):
        return risk_words.say(version)

    def preview(self, obj, inlines):
        """In words, what members read, and what it would have done."""
        return {"sentence": risk_words.say(obj), "version": obj, "told": _told(obj)}

    def save_model(self, request, obj, form, change):
        """Whoever touched a draft last is its author: another person puts it in force."""
        obj.created_by, obj.created_at = request.user, timezone.now()
        super().save_model(request, obj, form, change)

    @action(description=_("Try in shadow"), icon="visibility", permissions=["watch"], url_path="watch")
    def watch(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Say what will happen, then let it run in shadow."""
        says = [
            gettext("It counts and remembers whom it would have refused, and refuses nobody."),
            gettext("From then on this version never changes: a correction is a new version."),
        ]
        return self._do(request, object_id, risk_rules.watch, gettext("Try in shadow?"), says, gettext("Try in shadow"))

    @action(description=_("Put in force"), icon="play_circle", permissions=["activate"], url_path="activate")
    def activate(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Say what it would have refused, then let the service put it in force."""
        says = [
            gettext("From then on members are met by it; each refusal is remembered, explained and can be contested."),
            gettext("This version never changes: a correction is a new version."),
        ]
        return self._do(
            request, object_id, risk_rules.activate, gettext("Put in force?"), says, gettext("Put in force")
        )

    @action(description=_("End it"), icon="stop_circle", permissions=["retire"], url_path="retire")
    def retire(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """End it now, after asking. Blocks it made run on."""
        says = [gettext("It meets nobody any more. What it refused stays explained; blocks that it made run on.")]
        return self._do(
            request, object_id, risk_rules.retire, gettext("End this version?"), says, gettext("End it now")
        )

    def _do(self, request, object_id, verb, title, says, submit) -> HttpResponse:
        version = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method == "POST":
            with transaction.atomic():
                seen = agreed(request, version, whole)
                if seen is not None:
                    return self._done(request, verb, seen)
            version = self.get_queryset(request).get(pk=object_id)
        if verb == risk_rules.activate and version.created_by_id == request.user.pk:
            messages.warning(request, gettext("You wrote this version. Somebody else has to put it in force."))
        facts = [
            (gettext("What it says"), risk_words.say(version)),
            (gettext("What members read"), version.reason),
            *_told(version),
            (gettext("Written by"), version.created_by or "–"),
        ]
        form = SeenForm(initial={"seen": whole(version)})
        return confirm.page(self, request, version, title=title, says=says, facts=facts, form=form, submit=submit)

    def _done(self, request, verb, version) -> HttpResponse:
        try:
            done = verb(version, actor(request), timezone.now())
            messages.success(
                request, gettext("%(version)s: %(state)s.") % {"version": done, "state": done.get_mode_display()}
            )
        except Problem as problem:
            refuse(request, problem)
        return redirect("admin:members_riskruleversion_change", version.pk)

    @action(description=_("New version"), icon="edit_note", permissions=["new_version"], url_path="new-version")
    def new_version(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A new draft that says the same, to be changed; or the draft there is."""
        version = get_object_or_404(self.get_queryset(request), pk=object_id)
        draft = RiskRuleVersion.objects.filter(rule=version.rule_id, mode=Mode.DRAFT).order_by("-number").first()
        draft = draft or risk_rules.draft_from(version, actor(request), timezone.now())
        return redirect("admin:members_riskruleversion_change", draft.pk)


def _told(version: RiskRuleVersion) -> list[tuple[str, str]]:
    """What the counters of the last 30 days say of a version, as rows of a table."""
    preview = risk_previews.of(version, timezone.now())
    name = gettext("In the last 30 days")
    if not preview.attempts:
        told = [(name, gettext("Nothing was counted of this yet. Try it in shadow first."))]
    else:
        numbers = {"met": words.number(preview.met), "attempts": words.number(preview.attempts)}
        told = [(name, gettext("It would have met at most %(met)s of %(attempts)s.") % numbers)]
    if preview.examples:
        hashed = version.counter in (Counter.DEVICE, Counter.ADDRESS)
        names = [(f"{subject[:8]}…" if hashed else subject, met) for subject, met in preview.examples]
        told.append((gettext("For example"), ", ".join(f"{name} ({words.number(met)})" for name, met in names)))
    if preview.seen is not None:
        told.append((gettext("Since it runs it has met"), words.number(preview.seen)))
    return told
