"""Points whose expiry slides: they expire a number of days after the member's last activity (domain.md F7)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable

from django.db import transaction

from common import clock, sql
from common.services import outbox
from loyalty import facts
from loyalty.models.lots import Lot
from loyalty.models.wallets import Wallet


@transaction.atomic
def extend(account_ids: Collection[int], at: dt.datetime) -> int:
    """Members of these accounts were active at `at`: their open sliding points live on; return how many lots moved.

    The caller holds the accounts' locks. `expires_at` says the truth at any instant, so nothing that reads it has to know
    of sliding. It moves to the end of a day, so at most once a day, never back (a late event), and never for points
    that had expired by `at`. Every move is recorded as a points.extended fact.
    """
    lots = Lot.objects.filter(account_id__in=account_ids, is_open=True, sliding_days__isnull=False, expires_at__gt=at)
    moved = [lot for lot in lots if _move(lot, at)]
    if moved:
        sql.update_rows(moved, ["expires_at"])
        outbox.publish(_facts(moved), at)
    return len(moved)


def _move(lot: Lot, at: dt.datetime) -> bool:
    expires_at = clock.day_end(clock.local_date(at) + dt.timedelta(days=lot.sliding_days or 0))
    if expires_at <= lot.expires_at:
        return False
    lot.expires_at = expires_at
    return True


def _facts(lots: Iterable[Lot]) -> list[facts.PointsExtended]:
    """One fact per member and day on which the points expire now."""
    points: dict[tuple[int, dt.datetime], int] = defaultdict(int)
    for lot in lots:
        points[lot.account_id, lot.expires_at] += lot.remaining
    names = dict(
        Wallet.objects.filter(account__in={account_id for account_id, _ in points}).values_list(
            "account_id", "member__external_id"
        )
    )
    return [
        facts.PointsExtended(names[account_id], total, last_day(expires_at).isoformat())
        for (account_id, expires_at), total in sorted(points.items())
        if account_id in names
    ]


def last_day(expires_at: dt.datetime) -> dt.date:
    """The last local day on which points with this expiry are good."""
    return clock.local_date(expires_at - dt.datetime.resolution)
