"""Members who buy in a category and hold no card of a merchant: counted, never named (domain.md S1-29, S1-33).

Counts are those of the last monthly job, kept as they were first asked for, and rounded down to a multiple of
settings.INSIGHT_LEAST_GROUP: the difference of any two answers is nobody or a whole group.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from common import clock
from common.models import JobRun
from members.models import Consent, Member
from members.selectors import consents
from merchants.models import Card, CategoryBuyer, Merchant, OfferShown, ProspectOffer
from merchants.selectors import buys, insights

JOB = "count-category-buyers"
MONTHS = 12


def categories(merchant: Merchant, at: dt.datetime) -> list[str]:
    """The categories in which the merchant sold something in the last twelve months: those it may ask for. Two queries."""
    today = clock.local_date(at)
    lines = buys.kept(merchant, clock.months_after(today, -MONTHS), today + dt.timedelta(days=1)).exclude(category="")
    return sorted(lines.order_by().values_list("category", flat=True).distinct())


def counted_month() -> dt.date | None:
    """The month of the newest count; None if there is none, or one is under way just now."""
    newest = JobRun.objects.filter(job=JOB).order_by("-as_of").first()
    return clock.local_date(newest.as_of) if newest and newest.status == JobRun.Status.DONE else None


def of(merchant: Merchant, categories: Collection[str]) -> QuerySet[CategoryBuyer]:
    """Active members who buy in the categories and hold no card of the merchant, without those it ever knew: for counting only.

    Known ones (insights.ever_known) would fill a group in which the others do not hide.
    """
    cards = Card.objects.filter(member=OuterRef("member"), club__merchant=merchant, status=Card.Status.ACTIVE)
    strangers = CategoryBuyer.objects.exclude(member__in=insights.ever_known(merchant))
    return strangers.filter(~Exists(cards), category__in=categories, member__status=Member.Status.ACTIVE)


def by_band(merchant: Merchant, categories: Collection[str]) -> dict[str, dict[str, int]]:
    """Prospects of each category by order days (as in insights.DAYS) and in all ("all"), each rounded down to whole

    groups. One query.
    """
    found = {category: dict.fromkeys([*map(str, insights.DAYS), "all"], 0) for category in categories}
    rows = of(merchant, categories).order_by().values_list("category", "days").annotate(members=Count("pk"))
    for category, days, members in rows:
        found[category][str(insights.floor_of(insights.DAYS, days))] += members
        found[category]["all"] += members
    return {category: {band: blurred(n) for band, n in bands.items()} for category, bands in found.items()}


def least() -> int:
    """The smallest group that is told of."""
    return settings.INSIGHT_LEAST_GROUP


def blurred(members: int) -> int:
    """Rounded down to a multiple of the smallest group; 0 = fewer than that."""
    return members // least() * least()


def offers_for(member: Member, at: dt.datetime) -> QuerySet[ProspectOffer]:
    """What may be shown to her: offers that run, in categories she buys, of merchants whose card she does not hold.

    Nothing unless she agreed to recommendations by what she bought (PIPL 24).
    """
    cards = Card.objects.filter(member=member, club__merchant=OuterRef("merchant"), status=Card.Status.ACTIVE)
    running = ProspectOffer.objects.filter(
        status=ProspectOffer.Status.RUNNING, starts_at__lte=at, ends_at__gt=at, club__status="open"
    )
    if not consents.has(member, Consent.Purpose.PERSONALISE):
        return running.none()
    bought = CategoryBuyer.objects.filter(member=member).values("category")
    return (
        running.filter(~Exists(cards), category__in=bought).select_related("merchant", "club").order_by("ends_at", "pk")
    )


def with_reach(offers: QuerySet[ProspectOffer]) -> QuerySet[ProspectOffer]:
    """With `shown_to` and, of these, who opened the card afterwards (`joined`), exact: ask `reach` what may be told."""
    shown = OfferShown.objects.filter(offer=OuterRef("pk")).order_by().values("offer")
    card = Card.objects.filter(member=OuterRef("member"), club=OuterRef("offer__club"), joined_at__gte=OuterRef("at"))
    return offers.annotate(
        shown_to=Coalesce(Subquery(shown.annotate(n=Count("pk")).values("n")), 0),
        joined=Coalesce(Subquery(shown.filter(Exists(card)).annotate(n=Count("pk")).values("n")), 0),
    )


def reach(offer: Any) -> tuple[int, int]:
    """(shown to, joined) of an offer read `with_reach`, rounded down to whole groups."""
    return blurred(offer.shown_to), blurred(offer.joined)
