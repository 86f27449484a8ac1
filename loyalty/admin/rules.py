from django.contrib import admin
from django.db.models import Prefetch
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from common.admin import confirm, tags, words
from common.admin.base import AuditedAdmin, actor
from loyalty.admin import sentences
from loyalty.models import EarningRule, EarningRuleVersion
from loyalty.services import rules

COLOURS = {"draft": tags.WAITING, "ahead": tags.NEWS, "active": tags.GOOD, "over": "", "replaced": ""}


def state(version: EarningRuleVersion, newest: EarningRuleVersion | None, now) -> tuple[str, str]:
    """Where a version stands, in a word; `newest` is the version of its rule in force now."""
    if version.status == EarningRuleVersion.Status.DRAFT:
        return "draft", gettext("Draft")
    if version.effective_until and version.effective_until <= now:
        return "over", gettext("Ended")
    if version.effective_from > now:
        return "ahead", gettext("In force from %s") % words.instant(version.effective_from)
    if newest and newest.pk != version.pk:
        return "replaced", gettext("Replaced by version %d") % newest.number
    return "active", gettext("In force")


def in_force(versions: list[EarningRuleVersion], now) -> EarningRuleVersion | None:
    """Of a rule's versions the newest active one that has begun."""
    begun = [v for v in versions if v.status == EarningRuleVersion.Status.ACTIVE and v.effective_from <= now]
    return max(begun, key=lambda version: version.number, default=None)


@admin.register(EarningRule)
class EarningRuleAdmin(AuditedAdmin):
    """Ways to earn points. What a rule says lies in its versions: drafts are written, put in force, and never changed."""

    empty = _(
        "No rule yet, so nothing earns points. Add a rule, write its first version, test it, let a colleague put it in force."
    )
    list_display = ["name", "goal", "state_label", "says"]
    list_filter = ["goal"]
    search_fields = ["name", "code", "description"]
    search_help_text = _("A name, a code, or words of the description.")
    fields = ["name", "code", "goal", "description", "versions_table"]
    readonly_fields = ["versions_table"]
    actions_detail = ["new_version"]
    prepopulated_fields = {"code": ["name"]}

    def get_queryset(self, request):
        versions = EarningRuleVersion.objects.select_related("campaign", "rule").prefetch_related("conditions")
        return super().get_queryset(request).prefetch_related(Prefetch("versions", versions.order_by("-number")))

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else self.prepopulated_fields

    def get_readonly_fields(self, request, obj=None):
        return [*self.readonly_fields, *(["code"] if obj else [])]

    def get_fields(self, request, obj=None):
        return self.fields if obj else self.fields[:-1]

    def has_delete_permission(self, request, obj=None):
        """A rule that has versions stays; a rule ends when its version ends."""
        return False

    def has_new_version_permission(self, request, object_id=None) -> bool:
        return request.user.has_perm("loyalty.add_earningruleversion")

    @tags.tagged(_("state"), COLOURS)
    def state_label(self, rule):
        versions, now = list(rule.versions.all()), timezone.now()
        newest = in_force(versions, now)
        version = newest or next(iter(versions), None)
        return state(version, newest, now) if version else ("draft", gettext("No version yet"))

    @admin.display(description=_("what it says"))
    def says(self, rule):
        versions = list(rule.versions.all())
        version = in_force(versions, timezone.now()) or next(iter(versions), None)
        return sentences.say(version, version.conditions.all()) if version else gettext("Nothing yet.")

    @admin.display(description=_("versions"))
    def versions_table(self, rule):
        versions, now = list(rule.versions.all()), timezone.now()
        if not versions:
            return gettext("None yet. Write the first one with “New version”.")
        newest = in_force(versions, now)
        rows = []
        for version in versions:
            stands, text = state(version, newest, now)
            link = words.link(version, gettext("Version %d") % version.number)
            rows.append((link, tags.tag(text, COLOURS[stands]), sentences.say(version, version.conditions.all())))
        body = format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td></tr>", rows)
        return format_html('<table class="lp-table">{}</table>', body)

    @action(description=_("New version"), icon="edit_note", permissions=["new_version"])
    def new_version(self, request, object_id: int):
        """Go on with the draft there is, copy the newest version into a new draft, or begin the first one."""
        rule = self.get_object(request, object_id)
        newest = next(iter(rule.versions.all()), None) if rule else None
        if rule is None:
            return redirect("admin:loyalty_earningrule_changelist")
        if newest is None:
            return redirect(f"{reverse('admin:loyalty_earningruleversion_add')}?rule={rule.pk}")
        if newest.status == EarningRuleVersion.Status.DRAFT:
            self.message_user(request, gettext("There is a draft already; go on with it."))
        elif request.method != "POST":
            return confirm.new_version(self, request, rule, newest)
        else:
            newest = rules.draft_from(newest, actor(request), timezone.now())
        return redirect("admin:loyalty_earningruleversion_change", newest.pk)

    def response_add(self, request, obj, post_url_continue=None):
        if "_continue" in request.POST or "_addanother" in request.POST or "_popup" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        self.message_user(request, gettext("The rule is there. Now write what it says."))
        return redirect(f"{reverse('admin:loyalty_earningruleversion_add')}?rule={obj.pk}")
