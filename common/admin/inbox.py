from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter

from common.models import InboxEvent, RejectedEvent

from . import tags, words
from .base import ReadOnlyAdmin


def say_effects(effects: dict) -> str:
    """What an event did, in one line: every number that is not nought, and every state that changed."""
    parts = []
    for subject, effect in effects.items():
        if not isinstance(effect, dict):
            continue
        name_of = gettext(subject)
        if "before" in effect and effect["before"] != effect.get("after"):
            parts.append(f"{name_of}: {effect['before']} → {effect['after']}")
        for name, value in effect.items():
            said = gettext(name.replace("_", " "))
            if isinstance(value, int) and value:
                parts.append(f"{name_of} {said} {words.number(value)}")
            elif isinstance(value, list) and value:
                parts.append(f"{name_of} {said}: {len(value)}")
    return "; ".join(parts)


@admin.register(InboxEvent)
class InboxEventAdmin(ReadOnlyAdmin):
    """What shops told us, and what it did."""

    empty = _("No event has come in yet. A shop sends them to POST /api/v1/events.")
    list_display = ["time", "type", "subject", "status_label", "did", "event_id"]
    list_filter = ["status", ("received_at", RangeDateTimeFilter)]
    search_fields = ["=subject", "=event_id"]
    search_help_text = _("A member's external id, or the id of an event.")
    fieldsets = [
        (None, {"fields": ["type", "subject", "time", "received_at", "source", "event_id"]}),
        (_("What it did"), {"fields": ["status_label", "reason", "did", "effects_table"]}),
        (_("What it said"), {"fields": ["data_table"]}),
    ]
    readonly_fields = ["status_label", "did", "effects_table", "data_table"]
    show_full_result_count = False

    @tags.tagged(_("status"), {"applied": tags.GOOD, "ignored": tags.WAITING})
    def status_label(self, event):
        return event.status, event.get_status_display()

    @admin.display(description=_("in words"))
    def did(self, event):
        if event.status == InboxEvent.Status.IGNORED:
            return gettext("Nothing to do: %s") % event.reason.replace("_", " ")
        return say_effects(event.effects) or gettext("Recorded; no points moved.")

    @admin.display(description=_("effects"))
    def effects_table(self, event):
        return words.pairs(event.effects)

    @admin.display(description=_("data"))
    def data_table(self, event):
        return words.pairs(event.data)


@admin.register(RejectedEvent)
class RejectedEventAdmin(ReadOnlyAdmin):
    """Events that were refused, with the reason: nothing is skipped silently."""

    empty = _("No event was refused. That is good news.")
    list_display = ["received_at", "type", "subject", "why", "event_id", "source"]
    list_filter = [("received_at", RangeDateTimeFilter)]
    search_fields = ["=subject", "=event_id", "type"]
    search_help_text = _("A member's external id, the id or the type of an event.")
    date_hierarchy = "received_at"
    fieldsets = [
        (None, {"fields": ["type", "subject", "received_at", "source", "event_id"]}),
        (_("Why it was refused"), {"fields": ["why", "places", "problem_table"]}),
        (_("What was sent"), {"fields": ["body_table"]}),
    ]
    readonly_fields = ["why", "places", "problem_table", "body_table"]

    @admin.display(description=_("why"))
    def why(self, event):
        return event.problem.get("detail") or event.problem.get("title") or event.problem.get("code", "–")

    @admin.display(description=_("where"))
    def places(self, event):
        errors = event.problem.get("errors", [])
        rows = ((error.get("pointer", ""), error.get("detail", "")) for error in errors)
        return format_html("<ul>{}</ul>", format_html_join("", "<li><code>{}</code> {}</li>", rows)) if errors else "–"

    @admin.display(description=_("problem"))
    def problem_table(self, event):
        return words.pairs(event.problem)

    @admin.display(description=_("event"))
    def body_table(self, event):
        return words.pairs(event.body)
