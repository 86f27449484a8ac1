"""Editions of policies: drafted by one person, published by another, in force from an instant on."""

from __future__ import annotations

import datetime as dt
from typing import TypeVar, cast

from django.db import transaction

from common import clock
from common.problems import InvalidInput
from common.services import audit
from loyalty.models import Edition
from loyalty.services import rules
from loyalty.services.rules import NotADraft, SecondPersonNeeded, StartsInThePast

E = TypeVar("E", bound=Edition)


def in_force(kind: type[E], at: dt.datetime) -> E | None:
    """The edition of a policy that counts at an instant; None before the first one."""
    return kind._default_manager.in_force(at).first()


def draft_from(edition: E, actor: audit.Actor, at: dt.datetime) -> E:
    """A new draft that says what `edition` says, parts included."""
    kind = type(edition)
    with transaction.atomic():
        draft = cast(E, kind._default_manager.get(pk=edition.pk))
        draft.pk, draft._state.adding, draft.number = None, True, 0
        draft.status, draft.note, draft.effective_at = Edition.Status.DRAFT, "", None
        draft.drafted_by, draft.drafted_at = actor.staff, at
        draft.published_by = draft.published_at = None
        draft.save()
        for name in kind.PARTS:
            _copy(getattr(edition, name), draft)
        audit.record(actor, f"{_room(kind)}.draft_from", draft, f"New draft from {edition}", at)
    return draft


def _copy(parts, draft: Edition) -> None:
    rows = list(parts.all())
    for row in rows:
        row.pk, row._state.adding = None, True
        setattr(row, parts.field.name, draft)
    parts.model._default_manager.bulk_create(rows)


def publish(edition: E, actor: audit.Actor, effective_at: dt.datetime, at: dt.datetime) -> E:
    """Put a draft in force from `effective_at` (not before `at`); by another person than its author.

    Raises NotADraft, SecondPersonNeeded, StartsInThePast, InvalidInput (what `faults()` says).
    """
    kind = type(edition)
    with transaction.atomic():
        edition = cast(E, kind._default_manager.select_for_update(of=("self",)).get(pk=edition.pk))
        if not edition.is_draft:
            raise NotADraft
        if actor.staff is None or actor.staff.pk == edition.drafted_by_id:
            raise SecondPersonNeeded
        if effective_at < at:
            raise StartsInThePast
        if faults := edition.faults():
            raise InvalidInput(" ".join(faults))
        edition.status, edition.effective_at = Edition.Status.PUBLISHED, effective_at
        edition.published_by, edition.published_at = actor.staff, at
        edition.save()
        rules.changed()
        summary = f"{edition} in force from {clock.local(effective_at):%Y-%m-%d %H:%M}"
        audit.record(actor, f"{_room(kind)}.publish", edition, summary, at)
    return edition


def _room(kind: type[Edition]) -> str:
    return f"loyalty.{kind._meta.model_name}"
