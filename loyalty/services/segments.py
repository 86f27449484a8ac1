"""Segments chosen by conditions are refreshed: who meets the conditions enters, who does not any more leaves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.models import JobRun, Staff
from common.problems import Problem
from common.services import audit, jobs, outbox
from loyalty import facts
from loyalty.models import Segment, SegmentMember, SegmentSize
from loyalty.selectors import criteria, spans
from members.models import Member

JOB = "refresh-segments"
MEMBERS_PER_CHUNK = 10_000


class ListedByHand(Problem):
    """There is nothing to refresh in a segment whose members are listed by hand."""

    code = "listed_by_hand"
    status = 409
    title = _("The members of this segment are listed by hand.")


class ChosenByConditions(Problem):
    """A list would be undone by the next refresh."""

    code = "chosen_by_conditions"
    status = 409
    title = _("The members of this segment are chosen by its conditions.")


def refresh_all(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Refresh every segment chosen by conditions, in chunks of members. Safe to stop, repeat and run twice.

    A segment whose conditions cannot be read any more (a tier that was renamed) keeps its members and is counted.
    """
    run = jobs.run(
        JOB,
        as_of,
        spans=lambda: spans.of(Member.objects.all(), MEMBERS_PER_CHUNK, by="id"),
        work=lambda first, last: _refresh_span(first, last, as_of, at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )
    for segment in _ruled():
        if f"{segment.code}: entered" in run.counts:
            _record(segment, as_of, run.counts[f"{segment.code}: entered"], run.counts[f"{segment.code}: left"])
    return run


def refresh(segment: Segment, actor: audit.Actor, at: dt.datetime) -> SegmentSize:
    """Refresh one segment now, wholly or not at all. Raises ListedByHand, UnreadableCondition."""
    if not segment.is_ruled:
        raise ListedByHand
    with transaction.atomic():
        entered = gone = 0
        for first, last in spans.of(Member.objects.all(), MEMBERS_PER_CHUNK, by="id"):
            came, went = _replace(segment, first, last, at, at)
            entered, gone = entered + came, gone + went
        size = _record(segment, at, entered, gone)
        summary = gettext("Refreshed %(segment)s: %(in)d in, %(out)d out") % {
            "segment": segment, "in": entered, "out": gone,
        }  # fmt: skip
        audit.record(actor, "loyalty.segments.refresh", segment, summary, at)
    return size


def add(segment: Segment, members: list[int], actor: audit.Actor, at: dt.datetime) -> int:
    """List members by hand, who then stay whatever campaign is undone; return how many. Raises ChosenByConditions."""
    return _list(segment, members, "add", actor, at)


def remove(segment: Segment, members: list[int], actor: audit.Actor, at: dt.datetime) -> int:
    """Take members off the list; return how many. Raises ChosenByConditions."""
    return _list(segment, members, "remove", actor, at)


def lock(segment: int) -> None:
    """Let nobody else change a list (by id) in this transaction."""
    Segment.objects.select_for_update(no_key=True).get(pk=segment)


def _list(segment: Segment, members: list[int], verb: str, actor: audit.Actor, at: dt.datetime) -> int:
    if segment.is_ruled:
        raise ChosenByConditions
    with transaction.atomic():
        lock(segment.pk)
        getattr(segment.members, verb)(*members)
        SegmentMember.objects.filter(segment=segment, member__in=members).update(listed_by=None)
        words = {
            "add": gettext("Added to %(segment)s: %(count)d"),
            "remove": gettext("Removed from %(segment)s: %(count)d"),
        }
        summary = words[verb] % {"segment": segment, "count": len(members)}
        audit.record(actor, f"loyalty.segments.{verb}", segment, summary, at)
    return len(members)


def _ruled() -> QuerySet[Segment]:
    return Segment.objects.filter(kind=Segment.Kind.RULED).prefetch_related("conditions")


def _refresh_span(first: int, last: int, as_of: dt.datetime, at: dt.datetime) -> dict[str, int]:
    counts: dict[str, int] = {}
    for segment in _ruled():
        try:
            entered, gone = _replace(segment, first, last, as_of, at)
            counts |= {f"{segment.code}: entered": entered, f"{segment.code}: left": gone}
        except criteria.UnreadableCondition:
            counts[f"{segment.code}: unreadable"] = 1
    return counts


def _replace(segment: Segment, first: int, last: int, as_of: dt.datetime, at: dt.datetime) -> tuple[int, int]:
    """Bring the rows of a range of members up to date; only what differs travels. How many entered and left."""
    belong = criteria.members(segment.conditions.all(), as_of, segment=segment.code).filter(pk__gte=first, pk__lte=last)
    rows = SegmentMember.objects.filter(segment=segment, member__gte=first, member__lte=last)
    names = ("pk", "external_id")
    entering = list(belong.exclude(pk__in=rows.values("member_id")).order_by().values_list(*names))
    leaving = list(
        Member.objects.filter(pk__in=rows.values("member_id")).exclude(pk__in=belong.values("pk")).values_list(*names)
    )
    SegmentMember.objects.bulk_create(
        [SegmentMember(segment_id=segment.pk, member_id=pk) for pk, _name in entering],
        ignore_conflicts=True,
        batch_size=1000,
    )
    rows.filter(member__in=[pk for pk, _name in leaving]).delete()
    if segment.publishes:
        outbox.publish([facts.SegmentEntered(name, segment.code) for _pk, name in entering], at)
        outbox.publish([facts.SegmentLeft(name, segment.code) for _pk, name in leaving], at)
    return len(entering), len(leaving)


def _record(segment: Segment, at: dt.datetime, entered: int, gone: int) -> SegmentSize:
    """The size after a refresh, once a refresh."""
    size = SegmentMember.objects.filter(segment=segment).count()
    row, _made = SegmentSize.objects.get_or_create(
        segment=segment, at=at, defaults={"size": size, "entered": entered, "gone": gone}
    )
    not_later = Q(refreshed_at=None) | Q(refreshed_at__lt=at)
    Segment.objects.filter(not_later, pk=segment.pk).update(refreshed_at=at)
    return row
