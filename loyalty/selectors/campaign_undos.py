"""What became of everything a campaign has granted: the page before an undoing counts it, and the undoing goes by it.

A grant lives on in the lots it became: when members were merged, when points came back after their lot's end, or out of
quarantine. What a member gave to another member is spent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext

from loyalty.models import Campaign, CampaignUndo, GiftCampaign, Lot, UndoneLot, Wallet

Target = GiftCampaign | Campaign

# Of each granted lot (root), itself and all that came of it but for gifts to others. A child that came back (restore)
# was counted as spent or expired before, as its own entry says; one that a merge moved was counted as transferred.
_FATES = """
WITH RECURSIVE family (id, root_id) AS (
    SELECT l.id, l.id FROM loyalty_lot l WHERE l.id IN ({roots})
    UNION ALL
    SELECT c.id, f.root_id FROM loyalty_lot c JOIN family f ON c.parent_id = f.id WHERE c.source <> 'transfer'
),
moved (root_id, kind, points) AS (
    SELECT f.root_id, e.kind, d.points
    FROM family f
    JOIN loyalty_lot l ON l.id = f.id
    JOIN loyalty_draw d ON d.account_id = l.account_id AND d.lot_seq = l.lot_seq
    JOIN loyalty_entry e ON e.account_id = d.account_id AND e.seq = d.seq
    UNION ALL
    SELECT f.root_id,
           CASE WHEN e.kind = 'transfer' THEN 'transfer' WHEN e.contra = 'expired' THEN 'expire' ELSE 'redeem' END,
           -l.earned
    FROM family f
    JOIN loyalty_lot l ON l.id = f.id AND f.id <> f.root_id
    JOIN loyalty_entry e ON e.account_id = l.account_id AND e.seq = l.lot_seq
),
fate AS (
    SELECT f.root_id,
           SUM(CASE WHEN l.expires_at > {now} THEN l.remaining ELSE 0 END) AS unspent,
           SUM(CASE WHEN l.expires_at > {now} THEN 0 ELSE l.remaining END) AS late
    FROM family f JOIN loyalty_lot l ON l.id = f.id GROUP BY f.root_id
),
sums AS (
    SELECT root_id,
           SUM(CASE WHEN kind IN ('redeem', 'restore', 'hold', 'release', 'repay', 'transfer') THEN points ELSE 0 END)
               AS spent,
           SUM(CASE WHEN kind = 'expire' THEN points ELSE 0 END) AS expired,
           SUM(CASE WHEN kind IN ('clawback', 'adjust') THEN points ELSE 0 END) AS taken
    FROM moved GROUP BY root_id
)
"""

_EACH = """
SELECT r.id, r.account_id, r.earned, t.unspent, COALESCE(s.spent, 0), COALESCE(s.expired, 0) + t.late, COALESCE(s.taken, 0)
FROM loyalty_lot r JOIN fate t ON t.root_id = r.id LEFT JOIN sums s ON s.root_id = r.id ORDER BY r.account_id, r.id
"""

_ALL = """
SELECT COUNT(*), COUNT(DISTINCT r.account_id), SUM(r.earned), SUM(t.unspent), SUM(COALESCE(s.spent, 0)),
       SUM(COALESCE(s.expired, 0) + t.late), SUM(COALESCE(s.taken, 0)),
       COUNT(DISTINCT CASE WHEN COALESCE(s.spent, 0) > 0 THEN r.account_id END)
FROM loyalty_lot r JOIN fate t ON t.root_id = r.id LEFT JOIN sums s ON s.root_id = r.id
"""

_PEOPLE = """
SELECT r.account_id, SUM(r.earned), SUM(t.unspent), SUM(COALESCE(s.spent, 0))
FROM loyalty_lot r JOIN fate t ON t.root_id = r.id LEFT JOIN sums s ON s.root_id = r.id
GROUP BY r.account_id ORDER BY 4 DESC, 1 LIMIT {most}
"""


@dataclass(frozen=True, slots=True)
class Fate:
    """Where the points of one grant are: earned = left + spent + expired + taken. Open checkouts count as spent."""

    lot_id: int
    account_id: int
    earned: int
    left: int
    spent: int
    expired: int
    taken: int


@dataclass(frozen=True, slots=True)
class Fates:
    """The same over a whole campaign, with how many members had some, and how many have spent some."""

    lots: int
    members: int
    earned: int
    left: int
    spent: int
    expired: int
    taken: int
    spenders: int


def granted(target: Target) -> QuerySet[Lot]:
    """The lots a campaign has granted, as they were granted."""
    if isinstance(target, GiftCampaign):
        return Lot.objects.filter(gift_assignment__campaign=target)
    return Lot.objects.filter(rule_version__campaign=target, parent=None)


def open_lots(undo: CampaignUndo) -> QuerySet[Lot]:
    """What an undoing has not dealt with yet."""
    return granted(undo.target).filter(undone=None)


def each(lots: QuerySet[Lot], at: dt.datetime) -> list[Fate]:
    """The fate of each of some granted lots. One statement."""
    return [Fate(*map(int, row)) for row in _ask(lots, _EACH, at)]


def whole(target: Target, at: dt.datetime) -> Fates:
    """The fates of all that a campaign has granted. One statement."""
    (row,) = _ask(granted(target), _ALL, at)
    return Fates(*(int(number or 0) for number in row))


def people(target: Target, at: dt.datetime, most: int) -> list[tuple[Wallet, int, int, int]]:
    """Who was granted something, those first who have spent most of it: (wallet, granted, left, spent). Two queries."""
    rows = {int(row[0]): tuple(map(int, row[1:])) for row in _ask(granted(target), _PEOPLE, at, most=most)}
    wallets = Wallet.objects.select_related("member").in_bulk(rows, field_name="account_id")
    return [(wallets[account_id], *figures) for account_id, figures in rows.items() if account_id in wallets]


def references(texts: Collection[str]) -> dict[str, str]:
    """What the ledger calls undo:<uuid>, in words. One query."""
    codes = {text: text.partition(":")[2] for text in texts}
    undos = CampaignUndo.objects.filter(uuid__in=set(codes.values())).select_related("gift_campaign", "campaign")
    names = {str(undo.uuid): str(undo.target) for undo in undos}
    return {text: gettext("campaign undone: %s") % names[code] for text, code in codes.items() if code in names}


def family(lots: Collection[int]) -> QuerySet[Lot]:
    """Some granted lots and what they became, however often members were merged."""
    found, level = set(lots), set(lots)
    while level:
        children = Lot.objects.filter(parent__in=level).exclude(source=Lot.Source.TRANSFER)
        level = set(children.values_list("pk", flat=True)) - found
        found |= level
    return Lot.objects.filter(pk__in=found)


def charged(lots: Sequence[Lot]) -> dict[int, int]:
    """What undoings have charged for some lots, by lot: whoever takes them back later takes so much less. One query."""
    rows = UndoneLot.objects.filter(lot__in=[lot.pk for lot in lots if lot.pk])
    return {
        lot_id: taken + others + debt
        for lot_id, taken, others, debt in rows.values_list("lot", "taken", "others", "debt")
    }


def done(undo: CampaignUndo) -> dict[str, int]:
    """What an undoing has done so far, summed: taken, others, debt, kept."""
    names = ("taken", "others", "debt", "kept")
    return {name: total or 0 for name, total in undo.lots.aggregate(**{name: Sum(name) for name in names}).items()}


def of(target: Target) -> CampaignUndo | None:
    """The undoing of a campaign that was not withdrawn."""
    asked = Q(gift_campaign=target) if isinstance(target, GiftCampaign) else Q(campaign=target)
    return CampaignUndo.objects.filter(asked).exclude(status=CampaignUndo.Status.WITHDRAWN).first()


def _ask(lots: QuerySet[Lot], select: str, at: dt.datetime, **more: int) -> list[tuple]:
    roots, params = lots.order_by().values("pk").query.sql_with_params()
    statement = (_FATES + select).format(roots=roots, now="%s", **more)
    now = connection.ops.adapt_datetimefield_value(at)
    with connection.cursor() as cursor:
        cursor.execute(statement, [*params, now, now])
        return cursor.fetchall()
