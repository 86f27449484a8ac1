"""A purse and its pockets as their merchant reads them: one statement, what lies where, and what came and went."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, Case, F, Q, QuerySet, Sum, Value, When
from django.db.models.functions import TruncMonth

from common import clock
from loyalty.models import Account, Entry, Hold, Lot
from loyalty.selectors import balances
from loyalty.services import expiry
from merchants.models import Merchant, MerchantCampaign, Purse

Kind, Contra, Unit = Entry.Kind, Entry.Contra, Entry.Unit
MONTHS = 12


@dataclass(frozen=True, slots=True)
class Line:
    """One movement: `change` of all the merchant has left, `moved` between purse and pockets, `total` afterwards.

    Members are not named: whom a gift reached is on the campaign's page, as far as consent goes.
    """

    id: int
    at: dt.datetime
    what: str
    about: str
    change: int
    moved: int
    total: int


class What:
    """What a movement was; the pages put it into words."""

    BOUGHT = "bought"
    PAID_BACK = "paid_back"
    SET_ASIDE = "set_aside"
    RETURNED = "returned"
    GIVEN = "given"
    TAKEN_BACK = "taken_back"
    EXPIRED = "expired"
    ADJUSTED = "adjusted"


def of(merchant: Merchant) -> Purse | None:
    """The merchant's purse, if it has one yet."""
    return Purse.objects.select_related("account", "merchant").filter(merchant=merchant).first()


def entries(purse: Purse) -> QuerySet[Entry]:
    """Every movement of purse and pockets, oldest first; what moves between them stands once, on the purse's side."""
    inside = Q(contra_account__pocket__purse=purse) | Q(contra_account=purse.account_id)
    return (
        Entry.objects.filter(Q(account=purse.account_id) | Q(account__pocket__purse=purse))
        .exclude(Q(account__pocket__purse=purse) & inside)
        .annotate(
            change=Case(
                When(contra_account__pocket__purse=purse, then=Value(0)),
                default=F("delta"),
                output_field=BigIntegerField(),
            ),
            pocket=Case(
                When(account__pocket__purse=purse, then=F("account_id")),
                When(contra_account__pocket__purse=purse, then=F("contra_account_id")),
            ),
        )
        .order_by("id")
    )


def total(rows: QuerySet[Entry]) -> int:
    """What some movements come to."""
    return rows.order_by().aggregate(points=Sum("change"))["points"] or 0


def lines(rows: Sequence[Any], opening: int) -> list[Line]:
    """Rows of `entries` with the running total, after `opening` points. One query more, for the names of campaigns."""
    pockets = {row.pocket for row in rows if row.pocket}
    names = dict(
        MerchantCampaign.pockets.through.objects.filter(account__in=pockets).values_list(
            "account_id", "merchantcampaign__name"
        )
    )
    told = []
    for row in rows:
        opening += row.change
        moved = 0 if row.change else row.delta
        about = names.get(row.pocket, "")
        told.append(Line(row.pk, row.at, _what(row), about, row.change, moved, opening))
    return told


def _what(row: Any) -> str:
    if row.kind == Kind.PURCHASE:
        return What.BOUGHT if row.delta > 0 else What.PAID_BACK
    if not row.change:
        return What.SET_ASIDE if row.delta < 0 else What.RETURNED
    if row.contra == Contra.HOLDER:
        return What.GIVEN if row.delta < 0 else What.TAKEN_BACK
    return What.EXPIRED if row.contra == Contra.EXPIRED else What.ADJUSTED


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the statement; `opening` and `closing` are what purse and pockets held."""

    first: dt.date
    opening: int
    closing: int
    rows: QuerySet[Entry]


def month(purse: Purse, day: dt.date) -> Month:
    """The month of a day. Two queries, and those of `rows` when they are read."""
    first = clock.month_start(day)
    found = entries(purse)
    opening = total(found.filter(posted_on__lt=first))
    rows = found.filter(posted_on__gte=first, posted_on__lt=clock.months_after(first, 1))
    return Month(first, opening, opening + total(rows), rows)


def lots(purse: Purse, at: dt.datetime) -> QuerySet[Lot]:
    """The purse's open lots in the order in which they will be given."""
    open_lots = Lot.objects.filter(account=purse.account_id, is_open=True, expires_at__gt=at)
    return open_lots.order_by("expires_at", "lot_seq")


def never_expires(lot: Lot) -> bool:
    """Whether a lot was bought without an end."""
    return lot.expires_at >= expiry.NEVER


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where the points are that a merchant ever bought, less what was paid back: the parts sum to `bought`."""

    purse: int
    pockets: int
    members: int
    held: int
    used: int
    expired: int
    other: int

    @property
    def bought(self) -> int:
        """All of them."""
        return self.purse + self.pockets + self.members + self.held + self.used + self.expired + self.other


def whereabouts(purse: Purse) -> Whereabouts:
    """What lies where, in three queries over the lots this purse has funded."""
    lying = dict(
        Lot.objects.filter(funder=purse.account_id)
        .order_by()
        .values_list("account__kind")
        .annotate(points=Sum("remaining"))
    )
    gone = dict(_gone(purse.account_id))
    held = _held(purse.account_id)
    return Whereabouts(
        purse=lying.get(Account.Kind.PURSE, 0),
        pockets=lying.get(Account.Kind.POCKET, 0),
        members=lying.get(Account.Kind.MEMBER, 0),
        held=held,
        used=gone.get(Contra.REDEEMED, 0) + gone.get(Contra.HELD, 0) - held,
        expired=gone.get(Contra.EXPIRED, 0),
        other=sum(
            points for contra, points in gone.items() if contra in (Contra.ADJUSTED, Contra.DEBT, Contra.CLAWED_BACK)
        ),
    )


_GONE = """
SELECT contra, SUM(points) FROM (
    SELECT e.contra, d.points
    FROM loyalty_lot l
    JOIN loyalty_draw d ON d.account_id = l.account_id AND d.lot_seq = l.lot_seq
    JOIN loyalty_entry e ON e.account_id = d.account_id AND e.seq = d.seq
    WHERE l.funder_id = %s AND e.contra NOT IN ('holder', 'issued')
    UNION ALL
    -- Given back for a grace: a further lot of points that had been used.
    SELECT e.contra, -l.earned
    FROM loyalty_lot l JOIN loyalty_entry e ON e.account_id = l.account_id AND e.seq = l.lot_seq
    WHERE l.funder_id = %s AND e.contra = 'redeemed'
) g GROUP BY contra
"""


def _gone(account_id: int) -> list[tuple[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_GONE, [account_id, account_id])
        return [(contra, int(points)) for contra, points in cursor.fetchall()]


def _held(account_id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT COALESCE(SUM(d.points), 0)
            FROM loyalty_hold h
            JOIN loyalty_draw d ON d.account_id = h.account_id AND d.seq = h.seq
            JOIN loyalty_lot l ON l.account_id = d.account_id AND l.lot_seq = d.lot_seq
            WHERE h.status = %s AND l.funder_id = %s
            """,
            [Hold.Status.OPEN, account_id],
        )
        return int(cursor.fetchone()[0])


def flows(purse: Purse, today: dt.date) -> list[tuple[dt.date, int, int]]:
    """(month, in, out) of the last months, this one included: what came to purse and pockets, what left them. One query."""
    first = clock.months_after(clock.month_start(today), 1 - MONTHS)
    rows = (
        entries(purse)
        .filter(posted_on__gte=first)
        .order_by()
        .annotate(month=TruncMonth("posted_on"))
        .values("month")
        .annotate(came=Sum("change", filter=Q(change__gt=0)), went=Sum("change", filter=Q(change__lt=0)))
    )
    found = {row["month"]: (row["came"] or 0, -(row["went"] or 0)) for row in rows}
    months = [clock.months_after(first, number) for number in range(MONTHS)]
    return [(month, *found.get(month, (0, 0))) for month in months]


def set_aside(purse: Purse) -> int:
    """Points in the purse's pockets now."""
    return Account.objects.filter(pocket__purse=purse).aggregate(points=Sum("available"))["points"] or 0


def available(purse: Purse, at: dt.datetime) -> int:
    """Points in the purse itself now; what is due to expire is out."""
    return balances.of(purse.account, at).available
