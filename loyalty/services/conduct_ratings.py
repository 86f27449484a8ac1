"""The rating of conduct: every night, in words and with reasons; set by hand for a time where a member was right."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from common import clock
from common.models import JobRun, Staff
from common.problems import InvalidInput
from common.services import audit, jobs
from loyalty.models import ConductRating
from loyalty.models.conduct import NEUTRAL
from loyalty.selectors import conduct_ratings as selector
from loyalty.selectors import spans
from loyalty.selectors.conduct_ratings import Grounds
from members.models import Member
from members.models.risk_words import Conduct as Band

JOB = "rate-members"
MOST_DAYS = 366
# From so many in 365 days on; the numbers are ours.
MANY_REFUSALS, MANY_DELIVERIES, MANY_CHARGEBACKS = 3, 4, 2
Reason = ConductRating.Reason


def rate(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Rate all active members by what is known as of an instant. Safe to stop, repeat and run twice."""
    active = Member.objects.filter(status=Member.Status.ACTIVE)
    return jobs.run(
        JOB,
        as_of,
        spans=lambda: spans.of(active, by="id"),
        work=lambda first, last: _rate_span(active.filter(pk__gte=first, pk__lte=last), as_of),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def _rate_span(members: QuerySet[Member], as_of: dt.datetime) -> dict[str, int]:
    """A row for who is not ordinary, and for who has one; eight statements."""
    ids = list(members.values_list("pk", flat=True))
    known = selector.grounds(ids, as_of)
    rows = []
    for pk in set(ConductRating.objects.filter(pk__in=ids).values_list("pk", flat=True)) | known.keys():
        band, reasons = judge(known.get(pk, Grounds()))
        rows.append(ConductRating(member_id=pk, band=band, reasons=reasons, rated_at=as_of))
    rows.sort(key=lambda row: row.pk)
    ConductRating.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["member"], update_fields=["band", "reasons", "rated_at"]
    )
    return {"members": len(ids), "rated": len(rows)}


def judge(known: Grounds) -> tuple[str, list[str]]:
    """The band that conduct leads to, and what speaks for it."""
    against = {
        Reason.RETURNS: known.coefficient < NEUTRAL,
        Reason.CHARGEBACK: known.chargebacks > 0,
        Reason.REFUSALS: known.refusals >= MANY_REFUSALS,
        Reason.DELIVERIES: known.deliveries >= MANY_DELIVERIES,
        Reason.DENIED: known.denied > 0,
    }
    reasons = [str(reason.value) for reason, is_so in against.items() if is_so]
    if known.coefficient == 0 or known.chargebacks >= MANY_CHARGEBACKS or known.outlawed:
        return Band.POOR, reasons
    if reasons:
        return Band.DOUBTFUL, reasons
    if known.coefficient > NEUTRAL and not known.refusals and not known.deliveries:
        return Band.GOOD, [str(Reason.KEEPS.value)]
    return Band.ORDINARY, []


@transaction.atomic
def set_by_hand(
    member: Member, band: str, *, days: int, note: str, actor: audit.Actor, at: dt.datetime
) -> ConductRating:
    """Let another word count for so many days (0 ends what was set), because the member contested it.

    Raises InvalidInput (no reason, too long, nobody who sets it).
    """
    if not note.strip():
        raise InvalidInput(_("Say why."))
    if actor.staff is None or not 0 <= days <= MOST_DAYS or band not in Band.values:
        raise InvalidInput(_("At most %d days.") % MOST_DAYS)
    ordinary = {"band": Band.ORDINARY, "rated_at": at}
    rating, _made = ConductRating.objects.select_for_update().get_or_create(member=member, defaults=ordinary)
    before, until = rating.stands(at), at + dt.timedelta(days=days)
    rating.note = note.strip()[:500]
    if days:
        rating.hand_band, rating.hand_until, rating.hand_by = band, until, actor.staff
    else:
        rating.hand_band, rating.hand_until, rating.hand_by = "", None, None
    rating.save()
    day = clock.local_date(until).isoformat()
    summary = f"{member}: {before} → {rating.stands(at)}" + (f" ({day})" if days else "")
    audit.record(actor, "loyalty.conduct_ratings.set_by_hand", member, summary, at, reason=note)
    return rating
