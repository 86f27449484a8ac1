from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import Count, OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action

from common.admin import confirm, tags, words
from common.admin.base import AuditedAdmin, actor, refuse
from common.admin.preview import PreviewMixin
from common.models import Look
from common.problems import Problem
from loyalty.admin import pictures, portraits
from loyalty.admin.segment_forms import ConditionForm, MembersForm, words_of
from loyalty.models import Medal, Segment, SegmentCondition, SegmentSize
from loyalty.selectors import criteria
from loyalty.selectors import portraits as portrait_selector
from loyalty.services import segments
from members.models import Member

Attribute, Operator = SegmentCondition.Attribute, SegmentCondition.Operator
_SAMPLE = 10
_SIZES_SHOWN = 90
_SIZES_LISTED = 8


class ConditionInline(TabularInline):
    model = SegmentCondition
    form = ConditionForm
    extra = 0
    hide_title = True
    verbose_name_plural = _("Conditions: all of a group must hold, one group is enough")


@admin.register(Segment)
class SegmentAdmin(PreviewMixin, AuditedAdmin):
    """Named groups of members that rules and campaigns can ask for, with a picture of who they are."""

    empty = _("No segment yet. A segment is a named group of members, listed by hand or chosen by conditions.")
    list_display = ["name", "code", "kind_label", "member_count", "last_change", "refreshed_at"]
    list_filter = ["kind"]
    search_fields = ["name", "code", "description"]
    fieldsets = [
        (None, {"fields": [("name", "code"), "description", ("kind", "publishes")]}),
        (_("What can be asked, and how to write it"), {"fields": ["vocabulary"], "classes": ["collapse"]}),
    ]
    readonly_fields = ["vocabulary"]
    inlines = [ConditionInline]
    preview_template = "loyalty/segment_preview.html"
    prepopulated_fields = {"code": ["name"]}
    actions_detail = ["refresh", "add_members", "remove_members"]

    def get_queryset(self, request):
        newest = SegmentSize.objects.filter(segment=OuterRef("pk")).order_by("-at")
        return (
            super()
            .get_queryset(request)
            .annotate(
                size=Count("members"),
                newest_in=Subquery(newest.values("entered")[:1]),
                newest_out=Subquery(newest.values("gone")[:1]),
            )
        )

    def get_readonly_fields(self, request, obj=None):
        # Rules name a segment by its code.
        return [*self.readonly_fields, "code"] if obj else self.readonly_fields

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else self.prepopulated_fields

    def get_inlines(self, request, obj):
        return self.inlines if obj is None or obj.is_ruled else []

    def _may_edit(self, request: HttpRequest, object_id, kind: str) -> bool:
        may = request.user.has_perm("loyalty.change_segment")
        return may and Segment.objects.filter(pk=object_id, kind=kind).exists()

    def has_edit_members_permission(self, request, object_id=None) -> bool:
        """Only lists are edited by hand."""
        return self._may_edit(request, object_id, Segment.Kind.LISTED)

    def has_refresh_permission(self, request, object_id=None) -> bool:
        """Only what conditions choose can be refreshed."""
        return self._may_edit(request, object_id, Segment.Kind.RULED)

    # What it shows ------------------------------------------------------------------------------------------

    @tags.tagged(_("members are"), {Segment.Kind.RULED: tags.NEWS})
    def kind_label(self, segment):
        return segment.kind, segment.get_kind_display()

    @admin.display(description=_("members"), ordering="size")
    def member_count(self, segment):
        return words.number(segment.size)

    @admin.display(description=_("last refresh"))
    def last_change(self, segment):
        if segment.newest_in is None:
            return "–"
        return gettext("%(in)s in, %(out)s out") % {
            "in": words.number(segment.newest_in), "out": words.number(segment.newest_out),
        }  # fmt: skip

    @admin.display(description=_("what can be asked"))
    def vocabulary(self, segment):
        rows = [(label, _how_to_write(attribute)) for attribute, label in Attribute.choices]
        return format_html(
            '<table class="lp-pairs">{}</table>', format_html_join("", "<tr><th>{}</th><td>{}</td></tr>", rows)
        )

    def preview(self, obj, inlines):
        """Who is in it now, or who would be, without saving anything."""
        conditions = list(obj.conditions.all()) if inlines is None else inlines
        context = {"segment": obj, "says": say(conditions) if obj.is_ruled else "", **_history(obj)}
        try:
            found = _belonging(obj, conditions)
        except criteria.UnreadableCondition as problem:
            return {**context, "refusal": problem.detail}
        query = {"segment": obj.code} if obj.pk and not obj.is_ruled else None
        portrait = portrait_selector.draw(found, _SAMPLE)
        return {**context, **portraits.show(portrait, query), **_difference(obj, found)}

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        if obj is not None:
            self.note_look(request, Look.Kind.LIST, rows=_SAMPLE)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def preview_view(self, request, object_id):
        self.note_look(request, Look.Kind.LIST, rows=_SAMPLE)
        return super().preview_view(request, object_id)

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        if form.instance.is_ruled:
            messages.info(
                request, gettext("The members follow with the next refresh: tonight, or when you press Refresh.")
            )

    # What it does -------------------------------------------------------------------------------------------

    @action(description=_("Refresh"), icon="refresh", permissions=["refresh"])
    def refresh(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Say who would enter and leave, then bring the members up to date."""
        segment = get_object_or_404(Segment, pk=object_id)
        try:
            if request.method == "POST":
                size = segments.refresh(segment, actor(request), timezone.now())
                numbers = {
                    "size": words.number(size.size), "in": words.number(size.entered), "out": words.number(size.gone),
                }  # fmt: skip
                messages.success(request, gettext("%(size)s members now: %(in)s entered, %(out)s left.") % numbers)
                return redirect("admin:loyalty_segment_change", object_id)
            return self._ask_to_refresh(request, segment)
        except Problem as problem:
            refuse(request, problem)
            return redirect("admin:loyalty_segment_change", object_id)

    def _ask_to_refresh(self, request, segment):
        conditions = list(segment.conditions.all())
        difference = _difference(segment, _belonging(segment, conditions))
        says = [
            gettext("Who meets the conditions now becomes the segment. Rules and campaigns ask for it from then on.")
        ]
        if segment.publishes:
            says.append(gettext("Everybody who enters or leaves is told of to the webhooks."))
        facts = [
            (gettext("Conditions"), say(conditions)),
            (gettext("Members now"), difference["present"]),
            (gettext("Will enter"), difference["entering"]),
            (gettext("Will leave"), difference["leaving"]),
        ]
        return confirm.page(
            self,
            request,
            segment,
            title=gettext("Refresh the segment?"),
            says=says,
            facts=facts,
            submit=gettext("Refresh"),
        )

    @action(description=_("Add members"), icon="person_add", permissions=["edit_members"])
    def add_members(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Add a list of members by external id."""
        return self._edit(request, object_id, gettext("Add members"), segments.add)

    @action(description=_("Remove members"), icon="person_remove", permissions=["edit_members"])
    def remove_members(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Take a list of members out by external id."""
        return self._edit(request, object_id, gettext("Remove members"), segments.remove)

    def _edit(self, request, object_id, title, verb):
        segment = get_object_or_404(Segment, pk=object_id)
        form = MembersForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                count = verb(segment, form.cleaned_data["external_ids"], actor(request), timezone.now())
                messages.success(request, f"{title}: {segment} ({words.number(count)})")
            except Problem as problem:
                refuse(request, problem)
            return redirect("admin:loyalty_segment_change", object_id)
        return confirm.page(self, request, segment, title=title, submit=title, form=form)


def say(conditions: list[SegmentCondition]) -> str:
    """The conditions in one sentence; groups are alternatives."""
    groups: dict[int, list[str]] = {}
    for row in conditions:
        groups.setdefault(row.group, []).append(_say_one(row))
    if not groups:
        return gettext("No condition yet, so nobody.")
    return gettext("; or ").join(gettext(" and ").join(groups[group]) for group in sorted(groups))


def _say_one(row: SegmentCondition) -> str:
    subject = f"{row.get_attribute_display()} “{row.key}”" if row.key else row.get_attribute_display()
    return f"{subject} {row.get_operator_display()} {words_of(row)}"


def _belonging(segment: Segment, conditions: list[SegmentCondition]):
    """The active members who are in it by its list, or by its conditions as they are given."""
    if segment.is_ruled:
        return criteria.members(conditions, timezone.now(), segment=segment.code)
    listed = segment.members.all() if segment.pk else Member.objects.none()
    return listed.filter(status=Member.Status.ACTIVE)


def _difference(segment: Segment, found) -> dict:
    """What a refresh would do."""
    if not (segment.pk and segment.is_ruled):
        return {}
    present = segment.members.all()
    entering = found.exclude(pk__in=present.values("pk")).count()
    leaving = present.exclude(pk__in=found.values("pk")).count()
    return {
        "present": words.number(present.count()),
        "entering": words.number(entering),
        "leaving": words.number(leaving),
        "differs": bool(entering or leaving),
    }


def _history(segment: Segment) -> dict:
    """The size after each refresh, as a line and as the last few numbers."""
    sizes = list(segment.sizes.order_by("-at")[:_SIZES_SHOWN]) if segment.pk else []
    if len(sizes) < 2:
        return {"sizes": sizes}
    title = ngettext("Size over the last %d refresh", "Size over the last %d refreshes", len(sizes)) % len(sizes)
    line = pictures.line([size.size for size in reversed(sizes)], title)
    return {"sizes": sizes[:_SIZES_LISTED], "line": line, "line_title": title}


def _how_to_write(attribute: str) -> str:
    """In words, with the values there are."""
    if attribute in criteria.CHOICES:
        return gettext("one of: %s") % (", ".join(criteria.CHOICES[attribute]().values()) or "–")
    if attribute == Attribute.MEDAL:
        codes = ", ".join(Medal.objects.values_list("code", flat=True)) or "–"
        return gettext("the number of the level; name the medal: %s") % codes
    if attribute == Attribute.CARD_LEVEL:
        return gettext("the number of the level; name the merchant by its code")
    if attribute == Attribute.SEGMENT:
        return gettext("one of: %s") % (", ".join(Segment.objects.values_list("code", flat=True)) or "–")
    if attribute == Attribute.NET_CASH:
        return gettext("an amount of money, for example 500.00")
    if attribute == Attribute.REGISTERED_ON:
        return gettext("a day, for example 2026-03-01")
    if attribute in (Attribute.CATEGORY, Attribute.STORE):
        return gettext("the shop's code; several separated by commas")
    if attribute == Attribute.CUSTOM:
        return gettext("a word; name the attribute")
    return gettext("a whole number")
