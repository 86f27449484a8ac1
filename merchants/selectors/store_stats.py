"""The merchant's days: new cards, levels, sales and who comes again (domain.md S1-31). Money in minor units.

Read from the order lines by store and day, two queries each; the days are whole local days up to yesterday.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, Sum
from django.db.models.functions import TruncDate

from common import clock
from merchants.models import Card, CardEvent, Club, Merchant
from merchants.selectors import buys

DAYS = 30
REPEAT_DAYS = 90


@dataclass(frozen=True, slots=True)
class Day:
    """One day: cards opened, orders and net cash, and how much of both came from holders of a card."""

    day: dt.date
    new_cards: int = 0
    orders: int = 0
    cash: int = 0
    member_orders: int = 0
    member_cash: int = 0


@dataclass(frozen=True, slots=True)
class Repeat:
    """Buyers of the last 90 days, and those among them who ordered on more than one day."""

    buyers: int
    again: int

    @property
    def permille(self) -> int:
        """Per mille, rounded down."""
        return self.again * 1000 // self.buyers if self.buyers else 0


def days(merchant: Merchant, at: dt.datetime, length: int = DAYS) -> list[Day]:
    """The last whole days, the oldest first, each with a row. Three queries."""
    until = clock.local_date(at)
    since = until - dt.timedelta(days=length)
    sales = {row["order__completed_on"]: row for row in _sales(merchant, since, until)}
    opened = (
        CardEvent.objects.filter(
            card__club__merchant=merchant,
            kind__in=[CardEvent.Kind.JOINED, CardEvent.Kind.RETURNED],
            at__gte=clock.day_start(since),
            at__lt=clock.day_start(until),
        )
        .order_by()
        .values(day=TruncDate("at", tzinfo=clock.zone()))
        .annotate(cards=Count("pk"))
    )
    cards = {row["day"]: row["cards"] for row in opened}
    every = [since + dt.timedelta(days=number) for number in range(length)]
    return [_day(day, cards.get(day, 0), sales.get(day)) for day in every]


def levels(merchant: Merchant) -> list[tuple[Club, int, int]]:
    """(membership, level, members) for every level that somebody holds. Two queries."""
    clubs = {club.pk: club for club in Club.objects.filter(merchant=merchant)}
    rows = (
        Card.objects.filter(club__in=clubs, status=Card.Status.ACTIVE)
        .order_by("club", "level")
        .values_list("club", "level")
        .annotate(members=Count("pk"))
    )
    return [(clubs[club], level, members) for club, level, members in rows]


def repeat(merchant: Merchant, at: dt.datetime) -> Repeat:
    """How many come again. Two queries."""
    until = clock.local_date(at)
    lines = buys.kept(merchant, until - dt.timedelta(days=REPEAT_DAYS), until)
    buyers = lines.order_by().values("order__member").annotate(days=Count("order__completed_on", distinct=True))
    total = buyers.aggregate(buyers=Count("order__member"), again=Count("order__member", filter=Q(days__gt=1)))
    return Repeat(total["buyers"], total["again"])


def _sales(merchant: Merchant, since: dt.date, until: dt.date) -> Iterable[Any]:
    card = Card.objects.filter(member=OuterRef("order__member"), club__merchant=merchant, status=Card.Status.ACTIVE)
    lines = buys.kept(merchant, since, until).annotate(by_member=Exists(card))
    return (
        lines.order_by()
        .values("order__completed_on")
        .annotate(
            orders=Count("order", distinct=True),
            sum=Sum("net"),
            member_orders=Count("order", distinct=True, filter=Q(by_member=True)),
            member_sum=Sum("net", filter=Q(by_member=True), default=0),
        )
    )


def _day(day: dt.date, cards: int, sales: dict | None) -> Day:
    if sales is None:
        return Day(day, cards)
    return Day(day, cards, sales["orders"], sales["sum"], sales["member_orders"], sales["member_sum"])
