"""What the pages of levels share on both sites: draft, look at what it does to real cards, publish."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from django.contrib import admin, messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from common import clock
from common.admin import confirm, tags, words
from common.admin.base import actor, refuse
from common.admin.preview import PreviewMixin
from common.admin.seen import SeenForm, agreed, whole
from common.problems import InvalidInput, Problem
from merchants.models import Club, Level, LevelScheme
from merchants.services import levels

from . import faces
from .level_forms import LevelForm, LevelFormSet

COLOURS = {"draft": tags.NEWS, "published": tags.GOOD}


class LevelRows:
    """The rows of levels; mix it in before the site's inline."""

    model = Level
    form = LevelForm
    formset = LevelFormSet
    extra = 0
    max_num = levels.MOST
    tab = False
    hide_title = True

    def _drafted(self, obj) -> bool:
        return obj is None or obj.status == LevelScheme.Status.DRAFT

    def has_add_permission(self, request, obj=None):
        return self._drafted(obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request, obj=None):
        return self._drafted(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        return self._drafted(obj) and super().has_change_permission(request, obj)


class LevelPages(PreviewMixin):
    """Mix it in before the site's own base."""

    empty = _("No levels yet. Without any, everybody who joins is on one level.")
    list_display = ["club", "state", "basis", "names", "effective_on"]
    list_select_related = ["club__merchant"]
    list_filter = ["status", "club"]
    fields = ["club", "basis"]
    preview_template = "merchants/levels_preview.html"
    actions_detail = ["publish"]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("levels")

    def get_readonly_fields(self, request, obj=None):
        return ["club"] if obj else []

    def has_change_permission(self, request, obj=None):
        """What is published is looked at, never edited."""
        may = super().has_change_permission(request, obj)
        return may and (obj is None or obj.status == LevelScheme.Status.DRAFT)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "club" and field is not None:
            field.queryset = field.queryset.exclude(status__in=[Club.Status.CLOSED, Club.Status.WINDING_DOWN])
            field.queryset = field.queryset.exclude(schemes__status=LevelScheme.Status.DRAFT)
        return field

    def lock(self, scheme):
        levels.lock(scheme)

    def save_model(self, request, obj, form, change):
        if not change:
            obj.created_at = timezone.now()
        super().save_model(request, obj, form, change)

    def save_related(self, request, form, formsets, change):
        """The service writes the draft anew, numbered and checked."""
        (rows,) = formsets
        rows.save(commit=False)
        levels.draft(form.instance.club, form.instance.basis, rows.rungs(), actor=actor(request), at=timezone.now())

    # What it shows ------------------------------------------------------------------------------------------

    @tags.tagged(_("status"), COLOURS)
    def state(self, scheme):
        return scheme.status, scheme.get_status_display()

    @admin.display(description=_("levels"))
    def names(self, scheme):
        return " · ".join(level.name for level in scheme.levels.all()) or "–"

    def preview(self, obj, inlines):
        """The faces, what is wrong, and where the cards that are open now would come to."""
        rows = (
            list(obj.levels.order_by("number")) if inlines is None else sorted(inlines, key=lambda row: row.threshold)
        )
        for number, row in enumerate(rows, 1):
            row.number = number
        context = {"club": obj.club if obj.club_id else Club(name="–"), "shifts": None}
        try:
            levels.check([(row.name, row.threshold) for row in rows])
        except InvalidInput as problem:
            context["refusals"] = list(dict.fromkeys(error["detail"] for error in problem.errors))
        counts = faces.counted(context["club"]) if obj.club_id else {}
        if obj.club_id and "refusals" not in context and obj.status == LevelScheme.Status.DRAFT:
            shifts = levels.preview(obj.club, obj.basis, rows)
            context |= _say(shifts, rows)
            counts = Counter()
            for shift in shifts:
                counts[shift.after] += shift.cards
        context["faces"] = faces.of(context["club"], rows, obj.basis, counts)
        return context

    def _is_draft(self, request: HttpRequest, object_id) -> bool:
        """Whether a button belongs on the page: everywhere, or on a draft."""
        if object_id is None:
            return True
        scheme = self.get_object(request, str(object_id))
        return scheme is not None and scheme.status == LevelScheme.Status.DRAFT

    # What it does -------------------------------------------------------------------------------------------

    @action(description=_("Publish"), icon="publish", permissions=["publish"])
    def publish(self, request: HttpRequest, object_id) -> HttpResponse:
        """Say who rises and falls and from when, then put the levels in force."""
        scheme = self.get_object(request, str(object_id))
        if scheme is None:
            raise Http404
        if request.method == "POST":
            with transaction.atomic():
                draft = agreed(request, levels.lock(scheme), _mark)
                if draft is not None:
                    return self._publish(request, draft)
            scheme = self.get_queryset(request).get(pk=scheme.pk)
        return self._ask_to_publish(request, scheme)

    def _publish(self, request, scheme):
        try:
            scheme = levels.publish(scheme, actor=actor(request), at=timezone.now())
            messages.success(request, gettext("Published. In force from %s.") % words.day(scheme.effective_on))
        except Problem as problem:
            refuse(request, problem)
        return redirect(f"{self.admin_site.name}:merchants_levelscheme_change", scheme.pk)

    def _ask_to_publish(self, request, scheme):
        rows = list(scheme.levels.order_by("number"))
        at_once = scheme.club.status == Club.Status.DRAFT
        day = clock.local_date(timezone.now()) + dt.timedelta(days=0 if at_once else 1)
        facts = [
            (gettext("Level %(number)d") % {"number": row.number}, f"{row.name}: {faces.asks(row, scheme.basis)}")
            for row in rows
        ]
        says = [
            gettext("The levels come into force on %s. Cards that open or buy until then follow the old ones.")
            % words.day(day),
            gettext("They can be changed again after 30 days, while no campaign of the membership runs."),
            str(_say(levels.preview(scheme.club, scheme.basis, rows), rows)["summary"]),
        ]
        title, submit = gettext("Publish these levels?"), gettext("Publish")
        form = SeenForm(initial={"seen": _mark(scheme)})
        return confirm.page(self, request, scheme, title=title, says=says, facts=facts, form=form, submit=submit)


def _mark(scheme: LevelScheme) -> str:
    return whole(scheme, *scheme.levels.order_by("number"))


def _say(shifts: list[levels.Shift], rows: list[Level]) -> dict:
    """Who rises and falls, in numbers."""
    rising = sum(shift.cards for shift in shifts if shift.after > shift.before)
    falling = sum(shift.cards for shift in shifts if shift.after < shift.before)
    total = sum(shift.cards for shift in shifts)
    summary = ngettext(
        "Of %(total)s member, %(rising)s would rise and %(falling)s would fall.",
        "Of %(total)s members, %(rising)s would rise and %(falling)s would fall.",
        total,
    ) % {"total": words.number(total), "rising": words.number(rising), "falling": words.number(falling)}
    names = {row.number: f"{row.number} {row.name}" for row in rows}
    table = [
        {
            "before": shift.before,
            "after": names.get(shift.after, shift.after),
            "way": "lp-plus" if shift.after > shift.before else "lp-minus" if shift.after < shift.before else "",
            "cards": words.number(shift.cards),
        }
        for shift in shifts
    ]
    return {"shifts": table, "summary": summary}
