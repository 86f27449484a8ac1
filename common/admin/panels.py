"""The page of a thing shows what every floor knows about it, without lower floors importing higher ones.

A higher app calls `register_panel`, `register_columns` or `register_filter` for a model of a lower app, from its admin
package; the page of that model (an `ExtendedAdmin`; for panels alone, one with `PanelsMixin`) shows them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import display
from django.http import HttpRequest
from django.template.loader import render_to_string

from .base import ReadOnlyAdmin
from .lists import RowList


@dataclass(frozen=True)
class Panel:
    """One box on the page of an object. `load(obj, request)` gives the template's context; it may use a few queries,
    never one a row. Shown to those who have `permission`."""

    code: str
    title: Any
    template: str
    load: Callable[[Any, HttpRequest], dict]
    permission: str
    order: int = 100


@dataclass(frozen=True)
class Column:
    """One column of a list, loaded for the whole page at once: `load(keys)` maps primary keys to values."""

    code: str
    title: Any
    load: Callable[[Sequence[Any]], dict[Any, Any]]


_panels: dict[str, list[Panel]] = defaultdict(list)
_columns: dict[str, list[Column]] = defaultdict(list)
_filters: dict[str, list[Any]] = defaultdict(list)


def register_panel(model_label: str, panel: Panel) -> None:
    """Show the panel on the page of the model's objects."""
    _panels[model_label].append(panel)
    _panels[model_label].sort(key=lambda panel: panel.order)


def register_columns(model_label: str, *columns: Column) -> None:
    """Add columns to the list of the model's objects."""
    _columns[model_label].extend(columns)


def register_filter(model_label: str, list_filter: Any) -> None:
    """Add a filter to the list of the model's objects."""
    _filters[model_label].append(list_filter)


class ExtendedChangeList(RowList):
    """A list that loads the registered columns for the rows of the page, one call a column."""

    result_list: Any

    def get_results(self, request):
        super().get_results(request)
        rows = list(self.result_list)
        keys = [row.pk for row in rows]
        for column in _columns[self.model._meta.label]:
            values = column.load(keys)
            for row in rows:
                row.__dict__[f"column_{column.code}"] = values.get(row.pk, "–")
        self.result_list = rows


class PanelsMixin:
    """A ModelAdmin on whose page higher floors show panels."""

    change_form_template = "admin/panels_change_form.html"

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        context["panels"] = [
            {"code": panel.code, "title": panel.title, "html": _render(panel, obj, request)}
            for panel in _panels[self.model._meta.label]
            if obj is not None and request.user.has_perm(panel.permission)
        ]
        return super().render_change_form(request, context, add, change, form_url, obj)


class ExtendedAdmin(PanelsMixin, ReadOnlyAdmin):
    """The read-only page of a model that higher floors add panels, columns and filters to."""

    def get_changelist(self, request, **kwargs):
        return ExtendedChangeList

    def get_list_display(self, request):
        columns = [_display(column) for column in _columns[self.model._meta.label]]
        return [*super().get_list_display(request), *columns]

    def get_list_filter(self, request):
        return [*super().get_list_filter(request), *_filters[self.model._meta.label]]


def _display(column: Column) -> Callable:
    @display(description=column.title)
    def show(row):
        return row.__dict__.get(f"column_{column.code}", "–")

    show.__name__ = column.code
    return show


def _render(panel: Panel, obj: Any, request: HttpRequest) -> str:
    return render_to_string(panel.template, {"object": obj, **panel.load(obj, request)}, request)
