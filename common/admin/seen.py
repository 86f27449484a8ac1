"""A second person agrees to what she has looked at, and to nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext

M = TypeVar("M", bound=models.Model)


class SeenForm(forms.Form):
    """Carries what the person who confirms has looked at."""

    seen = forms.CharField(widget=forms.HiddenInput)


def digest(*said: Any) -> str:
    """A short text that is another one when any of this is."""
    return hashlib.sha256("\n".join(map(str, said)).encode()).hexdigest()


def whole(row: models.Model, *belonging: models.Model) -> str:
    """A mark of all that a row says, and the rows that belong to it."""
    rows = (row, *belonging)
    return digest(*(getattr(one, field.attname) for one in rows for field in one._meta.concrete_fields))


def agreed(request: HttpRequest, row: M, mark: Callable[[M], str]) -> M | None:
    """The row as it stands, locked, if its `mark` is the one that the person has looked at; else she is told so.

    Only in a transaction: an edit (`AuditedAdmin`) waits until what was agreed to is done.
    """
    locked = type(row)._base_manager.select_for_update(of=("self",)).get(pk=row.pk)
    if request.POST.get("seen") == mark(locked):
        return locked
    messages.warning(request, gettext("The draft has changed meanwhile. Look at it again."))
    return None
