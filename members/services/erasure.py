"""Who has left is forgotten: everything personal is blanked or deleted, entries stay and add up (PIPL 47, domain.md E59).

Every table says itself what becomes of its rows (selectors/records.py). The external id stays: it is the shop's number
that ties the books together, and says nothing by itself (docs/decisions/0032).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from common import sql
from common.models import AuditEntry, InboxEvent, JobRun, Look, RejectedEvent, Staff
from common.services import jobs
from common.services.audit import KEY_FIELDS
from members.models import Member
from members.selectors import records
from members.selectors.records import Record

JOB = "erase members"
MEMBERS_PER_CHUNK = 50


def erase(members: Sequence[Member], at: dt.datetime) -> int:
    """Forget the members and all who were merged into them, as they stand now; how many. Twice is once.

    A few statements a table, however many members and rows.
    """
    everyone = list({one.pk: one for member in members for one in records.same_person(member)}.values())
    if not everyone:
        return 0
    with transaction.atomic():
        for record in reversed(list(records.each())):
            _forget_words(record, everyone)
            _erase(record, everyone)
        _forget_questions(everyone)
        Member.objects.filter(pk__in=[member.pk for member in everyone]).update(erased_at=at)
    return len(everyone)


def sweep(as_of: dt.datetime, at: dt.datetime, *, requested_by: Staff | None = None) -> JobRun:
    """Nightly: erase who has left and was not erased yet, and what came in about them since."""

    return jobs.run(
        JOB,
        as_of,
        spans=lambda: sql.spans(_due(), MEMBERS_PER_CHUNK),
        work=lambda first, last: {"erased": erase(list(_due().filter(pk__range=(first, last))), at)},
        at=at,
        requested_by=requested_by,
    )


def _due() -> QuerySet[Member]:
    """Closed and not erased; or erased, and the shop has said something about them since."""
    since = {"subject": OuterRef("external_id"), "received_at__gt": OuterRef("erased_at")}
    late = Exists(InboxEvent.objects.filter(**since)) | Exists(RejectedEvent.objects.filter(**since))
    return Member.objects.filter(Q(status=Member.Status.CLOSED, erased_at=None) | Q(erased_at__isnull=False) & late)


def _erase(record: Record, members: Sequence[Member]) -> None:
    rows = record.rows(members)
    if record.deleted:
        rows.delete()
    elif record.erased:
        rows.update(**record.erased)


def _forget_words(record: Record, members: Sequence[Member]) -> None:
    """What staff wrote in the audit log about the members' rows, and their names in what the log says of them."""
    label = record.model._meta.label_lower
    if not AuditEntry.objects.filter(object_type=label).exists():
        return
    names = {column.name for column in record.model._meta.concrete_fields} | {"pk"}
    key = next(name for name in KEY_FIELDS if name in names)
    keys = [str(value) for value in record.rows(members).values_list(key, flat=True)]
    entries = list(AuditEntry.objects.filter(object_type=label, object_key__in=keys))
    for entry in entries:
        entry.reason, entry.data = "", {}
        for member in members:
            if member.name:
                entry.summary = entry.summary.replace(member.name, "…")
    if entries:
        sql.update_rows(entries, ["summary", "reason", "data"])


def _forget_questions(members: Sequence[Member]) -> None:
    """Staff may have searched for them by name, in whatever case. A single letter says nothing, and stands everywhere."""
    asked = [Q(query__icontains=member.name) for member in members if len(member.name) > 1]
    if asked:
        QuerySet(Look).filter(reduce(or_, asked)).update(query="…")
