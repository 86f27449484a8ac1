"""Quotas of benefits, as a ledger: granted, used, given back. The quota's row is the lock (docs/locking.md)."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext_lazy as _

from common.problems import Problem
from members.models import Member
from rewards.models import Benefit, Quota, QuotaEntry, Window

Kind = QuotaEntry.Kind


class QuotaUsedUp(Problem):
    """Every use of the period has been taken."""

    code = "quota_used_up"
    status = 409
    title = _("This benefit has been used as often as it may be in this period.")


class LostLock(RuntimeError):
    """Somebody wrote a quota without holding it."""


def take(member: Member, benefit: Benefit, window: Window, quota: int, *, reference: str, at: dt.datetime) -> Quota:
    """Use one of `quota` in the window; runs in the caller's transaction, which holds the quota until it ends.

    What is granted follows `quota`, down to what has been used (domain.md E10). Raises QuotaUsedUp.
    """
    Quota.objects.bulk_create([Quota(member=member, benefit=benefit, window=window.name)], ignore_conflicts=True)
    row = Quota.objects.select_for_update().get(member=member, benefit=benefit, window=window.name)
    if row.used >= quota:
        raise QuotaUsedUp(
            _("%(used)d of %(quota)d uses are taken.") % {"used": row.used, "quota": quota},
            quota=quota,
            used=row.used,
            resets_on=window.resets_on.isoformat() if window.resets_on else None,
        )
    moves = [(Kind.GRANT, quota - row.granted)] if quota != row.granted else []
    row.granted, row.used = quota, row.used + 1
    _write(row, [*moves, (Kind.USE, -1)], reference, at)
    return row


def give_back(quota_id: int, *, reference: str, at: dt.datetime) -> Quota:
    """Give one use back. Runs in the caller's transaction; `reference` names the use, which is given back once."""
    row = Quota.objects.select_for_update().get(pk=quota_id)
    row.used -= 1
    _write(row, [(Kind.GIVE_BACK, 1)], reference, at)
    return row


def _write(row: Quota, moves: list[tuple[str, int]], reference: str, at: dt.datetime) -> None:
    seen, left = row.version, row.granted - row.used - sum(delta for _kind, delta in moves)
    entries = []
    for kind, delta in moves:
        row.version, left = row.version + 1, left + delta
        entries.append(
            QuotaEntry(
                quota=row, seq=row.version, kind=kind, delta=delta, balance_after=left, reference=reference, at=at
            )
        )
    changed = {"granted": row.granted, "used": row.used, "version": row.version}
    if not Quota.objects.filter(pk=row.pk, version=seen).update(**changed):
        raise LostLock(f"quota {row.pk} changed while it was held")
    QuotaEntry.objects.bulk_create(entries)
