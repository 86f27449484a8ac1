"""What every operators' page shares."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import wraps
from urllib.parse import unquote_plus

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin, TabularInline

from common.admin.choices import RowChoices
from common.admin.lists import RowList
from common.admin.money import ReadableMoneyMixin
from common.models import Look
from common.problems import Problem
from common.services import audit, looks


def actor(request: HttpRequest) -> audit.Actor:
    """The signed-in person, as services want to know it."""
    return audit.Actor(label=request.user.get_full_name() or request.user.get_username(), staff=request.user)


def refuse(request: HttpRequest, problem: Problem) -> None:
    """Show why a service refused."""
    messages.error(request, str(problem.detail) or str(problem.title))


class Admin(RowChoices, ReadableMoneyMixin, ModelAdmin):
    """A page in plain words; `empty` says what will stand on an empty list. Who is shown somebody's data is written down."""

    list_per_page = 50
    show_full_result_count = False
    list_filter_submit = True
    list_filter_sheet = True
    compressed_fields = False
    warn_unsaved_form = True
    empty: str = ""
    # A field and the browser's condition for showing it; unfold knows the name.
    conditional_fields: dict[str, str] = {}

    @property
    def urls(self) -> list[URLPattern]:
        """As Django's; and an address that names what is no row's key is not found, whatever it would do."""
        patterns = super().urls
        for pattern in patterns:
            pattern.callback = self._of_a_key(pattern.callback)
        return patterns

    def _of_a_key(self, view: Callable) -> Callable:
        @wraps(view)
        def guarded(request, *args, **kwargs):
            key = kwargs.get("object_id")
            try:
                self.opts.pk.to_python(key and unquote(str(key)))
            except ValidationError:
                if self.admin_site.has_permission(request):  # who may not enter is sent to sign in, by the view
                    raise Http404 from None
            return view(request, *args, **kwargs)

        return guarded

    def get_changelist(self, request, **kwargs):
        return RowList

    def changelist_view(self, request, extra_context=None):
        response = super().changelist_view(request, extra_context)
        shown = getattr(response, "context_data", None) or {}
        if "cl" in shown and looks.is_personal(self.model):
            self.note_look(request, Look.Kind.LIST, rows=len(shown["cl"].result_list))
        return response

    def get_changeform_initial_data(self, request):
        """What an address writes into a new form, as the fields read it; what they cannot read is left out."""
        said = super().get_changeform_initial_data(request)
        fields = {field.name: field for field in self.opts.fields}
        for name in fields.keys() & said.keys():
            try:
                said[name] = fields[name].to_python(said[name])
            except ValidationError:
                del said[name]
        return said

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        response = super().changeform_view(request, object_id, form_url, extra_context)
        self._note_page(request, response, "original")
        return response

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        """What a condition asks for and nobody may type any more, the browser is told."""
        asked = (
            set(re.findall(r"\w+", re.sub("'.*?'", "", " ".join(self.conditional_fields.values())))) if obj else set()
        )
        told = {field.name: str(getattr(obj, field.attname) or "") for field in self.opts.fields if field.name in asked}
        context["settled"] = json.dumps({n: v for n, v in told.items() if n not in context["adminform"].form.fields})
        return super().render_change_form(request, context, add, change, form_url, obj)

    def history_view(self, request, object_id, extra_context=None):
        response = super().history_view(request, object_id, extra_context)
        self._note_page(request, response, "object")
        return response

    def behalf(self, request: HttpRequest) -> str:
        """For whom the signed-in person looks: a merchant's code, or nothing for the programme."""
        return ""

    def note_look(
        self, request: HttpRequest, kind: str, *, page: str = "", subject: str = "", rows: int = 1, query: str = ""
    ) -> None:
        """Write down that the signed-in person is shown personal data; a page of one's own calls it itself."""
        query = query or (unquote_plus(request.META.get("QUERY_STRING", "")) if not subject else "")
        looks.note(
            actor(request),
            kind,
            page or self.opts.label_lower,
            timezone.now(),
            subject=subject,
            query=query,
            rows=rows,
            behalf=self.behalf(request),
        )

    def _note_page(self, request: HttpRequest, response: HttpResponse, name: str) -> None:
        obj = (getattr(response, "context_data", None) or {}).get(name)
        if obj is not None and looks.is_personal(self.model):
            self.note_look(request, Look.Kind.PAGE, subject=looks.subject_of(obj))


class ReadOnlyMixin:
    """What a service writes is looked at, never typed over."""

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class ReadOnlyAdmin(ReadOnlyMixin, Admin):
    actions = None
    warn_unsaved_form = False


class ReadOnlyInline(ReadOnlyMixin, TabularInline):
    extra = 0
    tab = True
    show_change_link = False
    per_page = 50


class AuditedAdmin(Admin):
    """Configuration: every change is written down with who and what, in the transaction that makes it.

    What is edited or deleted was read under a lock: it waits for a service's change, and then sees it.
    """

    actions = None

    @transaction.atomic
    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        self._hold(request, object_id)
        return super().changeform_view(request, object_id, form_url, extra_context)

    @transaction.atomic
    def delete_view(self, request, object_id, extra_context=None):
        self._hold(request, object_id)
        return super().delete_view(request, object_id, extra_context)

    def _hold(self, request, object_id):
        found = self.get_object(request, unquote(object_id)) if object_id and request.method == "POST" else None
        if found is not None:
            self.lock(found)

    def lock(self, obj: Model) -> None:
        """Wait for whoever changes it; rows that only name it need not wait for this."""
        self.model._base_manager.select_for_update(of=("self",), no_key=True).filter(pk=obj.pk).first()

    def log_addition(self, request, obj, message):
        super().log_addition(request, obj, message)
        self._audit(request, obj, "add", message)

    def log_change(self, request, obj, message):
        super().log_change(request, obj, message)
        self._audit(request, obj, "change", message)

    def log_deletions(self, request, queryset):
        for obj in queryset:
            self._audit(request, obj, "delete", [])
        return super().log_deletions(request, queryset)

    def _audit(self, request, obj, verb, message):
        changed = [
            name for part in message if isinstance(part, dict) for name in part.get("changed", {}).get("fields", [])
        ]
        words = {"add": _("Added: %s"), "change": _("Changed: %s"), "delete": _("Deleted: %s")}[verb]
        summary = words % obj + (f" ({', '.join(changed)})" if changed else "")
        action = f"{obj._meta.app_label}.{obj._meta.model_name}.{verb}"
        audit.record(
            actor(request), action, obj, summary[:500], timezone.now(), data={"fields": changed} if changed else None
        )


class HistoryAdmin(SimpleHistoryAdmin, AuditedAdmin):
    """Configuration whose earlier states are kept and can be compared."""

    history_list_display = ["changed_by"]


class JSONTextarea(forms.Textarea):
    """JSON, indented, in a fixed-width box."""

    def __init__(self, rows: int = 16):
        super().__init__({"rows": rows, "class": "lp-code", "spellcheck": "false"})

    def format_value(self, value):
        if value in (None, "", "null"):
            return ""
        try:
            return json.dumps(json.loads(value), ensure_ascii=False, indent=2)
        except (TypeError, ValueError):
            return value


class NumberListField(forms.CharField):
    """Whole numbers separated by commas, kept as a JSON list."""

    def prepare_value(self, value):
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def clean(self, value):
        text = super().clean(value)
        parts = [part.strip() for part in text.replace("，", ",").split(",") if part.strip()]
        if not all(part.isdecimal() for part in parts):
            raise forms.ValidationError(_("Write whole numbers separated by commas, for example 30, 7, 1."))
        return [int(part) for part in parts]
