"""A page between a button and its deed: it says what will happen; POST does it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.db.models import Model
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from common.admin.base import Admin
from common.models import Look
from common.services import looks


def page(
    model_admin: Admin,
    request: HttpRequest,
    obj: Model | None,
    *,
    title: Any,
    says: Sequence[Any] = (),
    submit: Any,
    form: forms.Form | None = None,
    facts: Iterable[tuple[Any, Any]] = (),
    template: str = "admin/confirm.html",
    **context: Any,
) -> TemplateResponse:
    """Show what will happen (`says`, and a table of `facts`), with a form if something must be filled in."""
    opts = model_admin.opts
    site = model_admin.admin_site
    back = (
        reverse(f"{site.name}:{opts.app_label}_{opts.model_name}_change", args=[obj.pk])
        if obj is not None
        else reverse(f"{site.name}:{opts.app_label}_{opts.model_name}_changelist")
    )
    context = {
        **site.each_context(request),
        "opts": opts,
        "title": title,
        "subtitle": str(obj) if obj else None,
        "original": obj,
        "says": says,
        "facts": list(facts),
        "submit_words": submit,
        "form": form,
        "back": back,
        **context,
    }
    if obj is not None and request.method == "GET" and looks.is_personal(type(obj)):
        model_admin.note_look(request, Look.Kind.PAGE, subject=looks.subject_of(obj))
    request.current_app = site.name
    return TemplateResponse(request, template, context)


def new_version(model_admin: Admin, request: HttpRequest, obj: Model, newest: Model) -> TemplateResponse:
    """Ask before a draft is copied from the newest version."""
    says = [
        _("A draft is written that says the same as “%s”, for you to change.") % newest,
        _("What is in force stays in force until a colleague puts the draft in force."),
    ]
    return page(model_admin, request, obj, title=_("New version?"), says=says, submit=_("Write a draft"))
