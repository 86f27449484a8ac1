"""Prospects: counted once a month, shown offers by the platform, unknown to the merchant until they open a card."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from common import clock
from common.models import JobRun, Staff
from common.problems import Conflict, InvalidInput, Unavailable
from common.services import audit, jobs
from loyalty.selectors import spans
from members.models import Member
from merchants.models import CategoryBuyer, Club, Merchant, OfferShown, ProspectCount, ProspectOffer
from merchants.selectors import prospects

MEMBERS_PER_CHUNK = 10_000
SHOWN_AT_ONCE = 20

# A merged member's orders are whose it was merged into (E58); what was sent back whole was not bought.
_COUNT = """
INSERT INTO merchants_categorybuyer (member_id, category, month, days, cash)
WITH RECURSIVE person (id, owner_id) AS (
    SELECT id, id FROM members_member WHERE id BETWEEN %(first)s AND %(last)s AND status = 'active'
    UNION ALL
    SELECT m.id, p.owner_id FROM members_member m JOIN person p ON m.merged_into_id = p.id
)
SELECT p.owner_id, l.category, {month}, count(DISTINCT o.completed_on), sum(l.cash - l.refunded_cash)
FROM person p
JOIN loyalty_order o ON o.member_id = p.id
JOIN loyalty_orderline l ON l.order_id = o.id
WHERE o.status = 'completed' AND o.completed_on >= %(since)s AND o.completed_on < %(month)s AND l.category <> ''
  AND l.cash + l.points > l.refunded_cash + l.refunded_points
GROUP BY p.owner_id, l.category
"""


class ProspectsUncounted(Unavailable):
    """Prospects are counted once a month; the first count has not been made, or one is under way."""

    code = "prospects_uncounted"
    title = _("Prospects are not counted yet. Try again later.")


class OfferState(Conflict):
    """The offer is not in a state that allows this."""

    code = "offer_state"
    title = _("The offer is not in a state that allows this.")


def count_buyers(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Who bought in which category in the twelve months before the month of `as_of`: once a month, in chunks of members."""
    month = clock.month_start(clock.local_date(as_of))
    return jobs.run(
        prospects.JOB,
        clock.day_start(month),
        spans=lambda: spans.of(Member.objects.all(), MEMBERS_PER_CHUNK, by="id"),
        work=lambda first, last: _count_span(first, last, month),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def _count_span(first: int, last: int, month: dt.date) -> dict[str, int]:
    adapt = connection.ops.adapt_datefield_value
    since = clock.months_after(month, -prospects.MONTHS)
    params: dict[str, Any] = {"first": first, "last": last, "month": adapt(month), "since": adapt(since)}
    CategoryBuyer.objects.filter(member__gte=first, member__lte=last).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT.format(month="%(month)s::date" if connection.vendor == "postgresql" else "%(month)s"), params
        )
        return {"rows": cursor.rowcount}


def counts(merchant: Merchant, at: dt.datetime) -> list[ProspectCount]:
    """The month's prospects of every category the merchant sells in; the same answer for the whole month.

    Raises ProspectsUncounted. A few queries, however many categories.
    """
    month = prospects.counted_month()
    if month is None:
        raise ProspectsUncounted(retry_after=3600)
    kept = ProspectCount.objects.filter(merchant=merchant, month=month).order_by("category")
    missing = sorted(set(prospects.categories(merchant, at)) - {row.category for row in kept})
    if not missing:
        return list(kept)
    told = prospects.by_band(merchant, missing)
    rows = [
        ProspectCount(
            merchant=merchant,
            category=category,
            month=month,
            least=settings.INSIGHT_LEAST_GROUP,
            members=told[category],
            at=at,
        )
        for category in missing
    ]
    # Who comes second keeps what the first one has told.
    ProspectCount.objects.bulk_create(rows, ignore_conflicts=True)
    return list(kept.all())


# Offers -----------------------------------------------------------------------------------------------------


def start(offer: ProspectOffer, actor: audit.Actor, at: dt.datetime) -> ProspectOffer:
    """Let an offer be shown. Raises OfferState, InvalidInput (it is over, or its membership is not open)."""
    with transaction.atomic():
        offer = _locked(offer, ProspectOffer.Status.DRAFT)
        if offer.ends_at <= at:
            raise InvalidInput(_("The offer's time is over."))
        if offer.club.status != Club.Status.OPEN:
            raise InvalidInput(_("Nobody can open this card just now: the membership is not open."))
        return _move(offer, ProspectOffer.Status.RUNNING, "start", actor, at)


def stop(offer: ProspectOffer, actor: audit.Actor, at: dt.datetime) -> ProspectOffer:
    """Show an offer to nobody any more. Raises OfferState."""
    with transaction.atomic():
        return _move(_locked(offer, ProspectOffer.Status.RUNNING), ProspectOffer.Status.STOPPED, "stop", actor, at)


def _locked(offer: ProspectOffer, status: str) -> ProspectOffer:
    offer = ProspectOffer.objects.select_for_update(of=("self",)).select_related("club").get(pk=offer.pk)
    if offer.status != status:
        raise OfferState
    return offer


def _move(offer: ProspectOffer, status: str, verb: str, actor: audit.Actor, at: dt.datetime) -> ProspectOffer:
    offer.status = status
    offer.save(update_fields=["status"])
    audit.record(actor, f"merchants.prospects.{verb}", offer, f"Offer {offer}: {offer.get_status_display()}", at)
    return offer


def show(member: Member, at: dt.datetime) -> list[ProspectOffer]:
    """The offers for a member, the soonest-ending first; that they were shown is kept, for counts."""
    found = list(prospects.offers_for(member, at)[:SHOWN_AT_ONCE])
    if found:
        OfferShown.objects.bulk_create(
            [OfferShown(offer=offer, member=member, at=at) for offer in found], ignore_conflicts=True
        )
    return found
