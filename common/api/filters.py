"""Filters of lists: what they do not understand they refuse."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django_filters import rest_framework as filters


class _TrueOrFalse(forms.Field):
    def to_python(self, value: str | None) -> bool | None:
        if not value:
            return None
        if value.lower() not in ("true", "false"):
            raise ValidationError(_("Say true or false."), code="invalid")
        return value.lower() == "true"


class BooleanFilter(filters.BooleanFilter):
    """`true` or `false`. The package's own takes any other word for neither, and lists everything."""

    field_class = _TrueOrFalse

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, widget=forms.TextInput, **kwargs)
