"""Forms that say in words what they mean, while they are being filled in."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import path
from django.utils.translation import gettext


class PreviewMixin:
    """A ModelAdmin whose form shows `preview_template`, drawn again whenever a field changes.

    `preview(obj, inlines)` gives the template's context for the object as the form would save it; `inlines` are the rows
    below it, None when they stand in the database.
    """

    change_form_template = "admin/preview_change_form.html"
    preview_template: str

    def preview(self, obj: Model, inlines: list[Model] | None) -> dict[str, Any]:
        raise NotImplementedError

    def get_urls(self):
        """Two addresses beside the form's own: of a new object and of one that exists."""
        view = self.admin_site.admin_view(self.preview_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_preview"
        return [
            path("add/preview/", view, {"object_id": None}, name=f"{name}_new"),
            path("<path:object_id>/change/preview/", view, name=name),
            *super().get_urls(),
        ]

    def preview_view(self, request: HttpRequest, object_id: str | None) -> HttpResponse:
        """The preview of what is in the form now; nothing is saved."""
        obj = self.get_object(request, object_id) if object_id else None
        if object_id and obj is None:
            raise Http404
        allowed = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        if request.method != "POST" or not allowed:
            raise PermissionDenied
        form = self.get_form(request, obj, change=obj is not None)(request.POST, instance=obj)
        valid = form.is_valid()
        formsets, _inlines = self._create_formsets(request, form.instance, change=obj is not None)
        if not valid:
            return HttpResponse(gettext("Fill in the form to see what it means."))
        rows = [row for formset in formsets for row in formset.forms if _counts(formset, row)]
        return HttpResponse(self._render(form.instance, [row.instance for row in rows]))

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        """Draw the preview of what is saved; the browser asks for fresh ones."""
        context["preview"] = self._render(obj, None) if obj else ""
        context["preview_live"] = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _render(self, obj: Model, inlines: list[Model] | None) -> str:
        return render_to_string(self.preview_template, self.preview(obj, inlines))


def _counts(formset, row) -> bool:
    """Whether a row of a formset would be saved."""
    return row.is_valid() and not row.cleaned_data.get("DELETE") and (row.instance.pk or row.has_changed())
