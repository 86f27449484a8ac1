"""Rows that come as a file and lists that leave as one (django-import-export), made safe.

A file is tried first and shown row by row; what is confirmed is taken as a whole or not at all. Both leave a line in the
audit log. The package's own defaults would let viewers import and take the good rows of a bad file.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest, ValidationError
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from import_export import resources
from import_export.admin import ExportMixin, ImportMixin
from import_export.formats import base_formats
from unfold.contrib.import_export.forms import ExportForm, ImportForm

from common.models import Look
from common.services import audit, looks

from . import cells
from .base import actor
from .lists import MAKES_NO_SENSE

SHOWN = 200
"""How many rows of a trial a page shows; all are tried."""


class ExportAdminMixin(ExportMixin):
    """A list that can be taken along as it is filtered, as CSV or XLSX; needs `resource_classes`."""

    export_form_class = ExportForm
    export_formats = [base_formats.CSV, base_formats.XLSX]

    def get_data_for_export(self, request, queryset, **kwargs):
        """No cell of it runs in a spreadsheet."""
        return cells.all_of(super().get_data_for_export(request, queryset, **kwargs), cells.guarded)

    def get_export_queryset(self, request):
        """The rows of the list as its address asks for them. Raises BadRequest if that makes no sense."""
        try:
            rows = super().get_export_queryset(request)
            rows.exists()
        except MAKES_NO_SENSE as fault:
            raise BadRequest("The address asks for rows that cannot be.") from fault
        return rows

    def _do_file_export(self, file_format, request, queryset, export_form=None):
        summary = _("Exported: %(what)s (%(rows)d)") % {
            "what": self.opts.verbose_name_plural, "rows": queryset.count(),
        }  # fmt: skip
        action = f"{self.opts.app_label}.{self.opts.model_name}.export"
        audit.record(actor(request), action, None, summary, timezone.now())
        if looks.is_personal(self.model):
            self.note_look(request, Look.Kind.EXPORT, rows=queryset.count())
        return super()._do_file_export(file_format, request, queryset, export_form)


class ImportAdminMixin(ImportMixin):
    """A list that takes rows from a file, for whoever has `import_permission`; needs an ImportResource."""

    import_form_class = ImportForm
    import_formats = [cells.CSV, cells.XLSX]
    import_permission: str
    # Import writes the audit log instead, through the service.
    skip_admin_log = True

    def has_import_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(self.import_permission)

    def get_import_resource_kwargs(self, request, *args, **kwargs) -> dict[str, Any]:
        """Resources know who imports."""
        return {"actor": actor(request)}

    def get_import_data_kwargs(self, *args, **kwargs) -> dict[str, Any]:
        """One bad row refuses the file, also if it went bad after the trial."""
        return {"rollback_on_validation_errors": True}

    def import_action(self, request, **kwargs):
        """The page names the columns that are read; what an export holds besides is left out."""
        response = super().import_action(request, **kwargs)
        context = getattr(response, "context_data", None) or {}
        context["unreadable"] = [_("This file cannot be read.")]
        if "result" in context:
            self._shorten(request, context["result"])
        rows = zip(context.get("fields_list", []), self.get_import_resource_classes(request), strict=False)
        context["fields_list"] = [(name, list(resource.row_form.base_fields)) for (name, _all), resource in rows]
        return response

    def _shorten(self, request, result):
        """A page of thousands of rows takes longer than the trial, and nobody reads it."""
        rows = max(len(result.rows), len(result.invalid_rows), len(result.error_rows))
        if rows > SHOWN:
            said = _("The first %(shown)d of %(rows)d rows are shown.") % {"shown": SHOWN, "rows": rows}
            messages.info(request, said)
        for kind in (result.rows, result.invalid_rows, result.error_rows):
            del kind[SHOWN:]

    def add_data_read_fail_error_to_form(self, form, e):
        """Say what to do, not which exception it was."""
        if isinstance(e, UnicodeError):
            form.add_error("import_file", _("The text is not UTF-8. Save the file as “CSV UTF-8” or as XLSX."))
        else:
            form.add_error("import_file", _("This file cannot be read. Is it of the format that you chose?"))

    def process_result(self, result, request):
        """Say what was taken; a file that went bad between trial and confirmation has changed nothing."""
        if not result.has_errors() and not result.has_validation_errors():
            return super().process_result(result, request)
        messages.error(request, _("Nothing was imported: the data has changed meanwhile. Try the file again."))
        return HttpResponseRedirect(
            reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_import")
        )


class ImportResource(resources.ModelResource):
    """Rows that are forms: `row_form` says what a row must look like, `fill` makes an instance of one that does.

    Columns are the form's fields. Subclasses hand instances to a service, one by one (`save_instance`) or many at once
    (`bulk_create`); a Problem that a service raises is the row's error.
    """

    row_form: type[forms.Form]

    def __init__(self, *, actor: audit.Actor | None = None, **kwargs):
        super().__init__(**kwargs)
        self.actor = actor

    def before_import(self, dataset, **kwargs):
        """Refuse a file that lacks a column; then `prepare`."""
        missing = [
            name
            for name, field in self.row_form.base_fields.items()
            if field.required and name not in (dataset.headers or [])
        ]
        if missing:
            dataset.wipe()
            raise ValidationError(_("The file has no column “%s”.") % "”, “".join(missing))
        self.prepare(dataset)

    def prepare(self, dataset) -> None:
        """Read what all rows need, in few queries."""

    def form_options(self) -> dict[str, Any]:
        """What the form of a row is given beside the row."""
        return {}

    def fill(self, instance, data: dict[str, Any]) -> None:
        """Make an instance of a valid row. Raises ValidationError."""
        raise NotImplementedError

    def import_instance(self, instance, row, **kwargs):
        form = self.row_form(row, **self.form_options())
        if not form.is_valid():
            raise ValidationError(form.errors.as_data())
        self.fill(instance, form.cleaned_data)
