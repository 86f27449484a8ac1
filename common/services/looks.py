"""The access log: which of the staff was shown whose personal data. The floors above say where such data stands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db.models import Model

from common.models import Look
from common.services.audit import Actor

_lead: Callable[[type[Model]], str | None] = lambda model: None  # noqa: E731


def lead_by(lead: Callable[[type[Model]], str | None]) -> None:
    """Called once by the app that knows the people (apps.py): the lookup from a model to whom its rows are about."""
    global _lead
    _lead = lead


def is_personal(model: type[Model]) -> bool:
    """Whether rows of the model are about somebody."""
    return _lead(model) is not None


def subject_of(obj: Model) -> str:
    """Whom an object is about, by the name the outside world uses; empty if nobody. One query at most."""
    path = _lead(type(obj))
    if path is None:
        return ""
    return type(obj)._base_manager.filter(pk=obj.pk).values_list(path, flat=True).first() or ""


def note(
    actor: Actor,
    kind: str,
    page: str,
    at: datetime,
    *,
    subject: str = "",
    query: str = "",
    rows: int = 1,
    behalf: str = "",
) -> None:
    """Write down one look, once a page however many rows it shows; a list that is empty shows nobody."""
    if rows:
        Look.objects.create(
            at=at,
            staff=actor.staff,
            staff_label=actor.label[:150],
            behalf=behalf,
            kind=kind,
            page=page[:100],
            subject=subject,
            query=query[:500],
            rows=rows,
        )
