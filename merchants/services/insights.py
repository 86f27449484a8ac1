"""Looking at what members bought: with their consent, and written down each time (domain.md E49; PIPL 23)."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.problems import NotFound
from common.services import audit
from merchants.models import InsightAccess, InsightReport, Merchant
from merchants.selectors import insights
from merchants.selectors.insights import MemberInsight


def look(merchant: Merchant, external_id: str, actor: audit.Actor, at: dt.datetime) -> MemberInsight:
    """What a consenting member bought at the merchant; the look is written down, for her and for operators to see.

    Raises NotFound, the same for a member who did not agree, took it back, or does not exist.
    """
    with transaction.atomic():
        member = insights.consenting(merchant).filter(external_id=external_id).first()
        if member is None:
            raise NotFound(_("No member of this name lets you see what was bought."))
        InsightAccess.objects.create(
            merchant=merchant,
            member=member,
            staff=actor.staff,
            staff_label=actor.label[:150],
            what=InsightAccess.What.MEMBER,
            at=at,
        )
        return insights.of_member(merchant, member, at)


def report(merchant: Merchant, quarter: dt.date, at: dt.datetime) -> InsightReport:
    """The groups of a closed quarter: counted when first asked for, and the same for ever. Raises NotFound."""
    if quarter not in insights.quarters(at):
        raise NotFound(_("There is no such quarter: ask for one of the last four that are over."))
    kept = InsightReport.objects.filter(merchant=merchant, quarter=quarter).first()
    if kept is None:
        # Who comes second waits for the unique key, and gets what the first one counted.
        kept, _made = InsightReport.objects.get_or_create(
            merchant=merchant,
            quarter=quarter,
            defaults={
                "least": settings.INSIGHT_LEAST_GROUP,
                "figures": insights.figures(merchant, quarter),
                "at": at,
            },
        )
    return kept
