"""Quotas of benefits, as a ledger: granted, used, given back. The quota's row is the lock (docs/locking.md)."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from common import sql
from common.problems import Problem
from members.models import Member
from members.selectors import kin
from rewards.models import Benefit, Quota, QuotaEntry, Window

Kind = QuotaEntry.Kind


class QuotaUsedUp(Problem):
    """Every use of the period has been taken."""

    code = "quota_used_up"
    status = 409
    title = _("This benefit has been used as often as it may be in this period.")


class LostLock(RuntimeError):
    """Somebody wrote a quota without holding it."""


Change = tuple[Quota, list[tuple[str, int]], str]
"""A quota, how it moves, and because of what."""


class Taking(NamedTuple):
    """One use of `quota` in a window that is to be taken; `reference` names the use."""

    member: Member
    benefit: Benefit
    window: Window
    quota: int
    reference: str


def take(member: Member, benefit: Benefit, window: Window, quota: int, *, reference: str, at: dt.datetime) -> Quota:
    """Use one of `quota` in the window; runs in the caller's transaction, which holds the quota until it ends.

    What is granted follows `quota`, less what those used who were merged into the member (E58), down to what the member
    has used (E10). Raises QuotaUsedUp.
    """
    (row,), (elsewhere,), taken = _take([Taking(member, benefit, window, quota, reference)], at)
    if not taken:
        used = row.used + elsewhere
        raise QuotaUsedUp(
            _("%(used)d of %(quota)d uses are taken.") % {"used": used, "quota": quota},
            quota=quota,
            used=used,
            resets_on=window.resets_on.isoformat() if window.resets_on else None,
        )
    return row


def take_many(takings: Sequence[Taking], at: dt.datetime) -> list[Quota | None]:
    """The same for many, each of another quota, in a fixed number of statements; None where all uses were taken."""
    rows, _elsewhere, taken = _take(takings, at)
    return [row if row.pk in taken else None for row in rows]


def _take(takings: Sequence[Taking], at: dt.datetime) -> tuple[list[Quota], list[int], set[int]]:
    """The quotas in the order of the takings, locked by id; what merged members have used of each; the ids of those that
    had a use left.
    """
    keys = [(taking.member.pk, taking.benefit.pk, taking.window.name) for taking in takings]
    # In the order of the key: two who make the same quotas wait for each other, and never both.
    new = [Quota(member_id=member, benefit_id=benefit, window=window) for member, benefit, window in sorted(keys)]
    Quota.objects.bulk_create(new, ignore_conflicts=True)
    heirs = kin.heirs({key[0] for key in keys})
    mine = Quota.objects.filter(
        member__in=heirs,
        benefit__in={key[1] for key in keys},
        window__in={key[2] for key in keys},
    )
    locked = {(row.member_id, row.benefit_id, row.window): row for row in mine.select_for_update().order_by("pk")}
    spent: Counter[tuple[int, int, str]] = Counter()
    for (member, benefit, window), row in locked.items():
        if heirs[member] != member:
            spent[heirs[member], benefit, window] += row.used
    rows, elsewhere = [locked[key] for key in keys], [spent[key] for key in keys]
    changes: list[Change] = []
    for row, merged, taking in zip(rows, elsewhere, takings, strict=True):
        granted = taking.quota - merged
        if row.used < granted:
            moves = [(Kind.GRANT, granted - row.granted)] if granted != row.granted else []
            row.granted, row.used = granted, row.used + 1
            changes.append((row, [*moves, (Kind.USE, -1)], taking.reference))
    _write(changes, at)
    return rows, elsewhere, {row.pk for row, _moves, _reference in changes}


def give_back(quota_id: int, *, reference: str, at: dt.datetime) -> Quota:
    """Give one use back. Runs in the caller's transaction; `reference` names the use, which is given back once."""
    row = Quota.objects.select_for_update().get(pk=quota_id)
    row.used -= 1
    _write([(row, [(Kind.GIVE_BACK, 1)], reference)], at)
    return row


def _write(changes: Sequence[Change], at: dt.datetime) -> None:
    if not changes:
        return
    rows, seen, entries = [row for row, _moves, _reference in changes], [], []
    for row, moves, reference in changes:
        seen.append(row.version)
        left = row.granted - row.used - sum(delta for _kind, delta in moves)
        for kind, delta in moves:
            row.version, left = row.version + 1, left + delta
            entries.append(
                QuotaEntry(
                    quota=row, seq=row.version, kind=kind, delta=delta, balance_after=left, reference=reference, at=at
                )
            )
    if sql.update_rows(rows, ["granted", "used", "version"], guard={"version": seen}) != len(rows):
        raise LostLock("a quota changed while it was held")
    sql.insert(entries)
