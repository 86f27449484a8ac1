"""The audit log: who did what, to what, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model

from common.models import AuditEntry, Staff

KEY_FIELDS = ("external_id", "uuid", "code", "pk")


@dataclass(frozen=True)
class Actor:
    """Who acts: a staff member, or (staff is None) an API key, a job or a member, named by the label."""

    label: str
    staff: Staff | None = None


def record(
    actor: Actor,
    action: str,
    obj: Model | None,
    summary: Any,
    at: datetime,
    reason: str = "",
    data: dict | None = None,
) -> AuditEntry:
    """Write one entry in the caller's transaction, so that the deed and its record stand or fall together."""
    return AuditEntry.objects.create(
        at=at,
        actor=actor.staff,
        actor_label=actor.label[:150],
        action=action,
        object_type=obj._meta.label_lower if obj else "",
        object_key=key_of(obj) if obj else "",
        summary=str(summary)[:500],
        reason=reason,
        data=data or {},
    )


def key_of(obj: Model) -> str:
    """The name under which the log knows an object: the code the outside world uses, else the database id."""
    return next(str(getattr(obj, field)) for field in KEY_FIELDS if getattr(obj, field, None))
