"""The rescue window: staff may give expired points back for some days (programme.rescue_days; 0 = never)."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common import clock
from common.problems import Problem
from common.services.audit import Actor
from loyalty.models import Account, Adjustment, Entry
from loyalty.selectors import programme as programmes
from loyalty.services import adjustments, ledger


class NothingToRescue(Problem):
    """So many points have not expired within the rescue window, or were given back before."""

    code = "nothing_to_rescue"
    status = 409
    title = _("There are not so many expired points that can be given back.")


@transaction.atomic
def give_back(account: Account, points: int | None = None, *, reason: str, actor: Actor, at: dt.datetime) -> Adjustment:
    """Give back `points` > 0 that expired within the rescue window (all of them if not said), good for as long again.

    Points are given back once. Raises NothingToRescue, InvalidInput (no reason).
    """
    ledger.lock([account.pk])
    most = rescuable(account, at)
    points = most if points is None else points
    if not 0 < points <= most:
        raise NothingToRescue(most=most)
    until = clock.day_end(clock.local_date(at) + _window())
    return adjustments.post(
        account,
        points,
        category=Adjustment.Category.RESCUE,
        reason=reason,
        actor=actor,
        at=at,
        expires_at=until,
    )


def rescuable(account: Account, at: dt.datetime) -> int:
    """How many points of the account expired within the window before `at` and were not given back; two queries.

    Points of a member who left are given up, not expired.
    """
    window = _window()
    expired = Entry.objects.filter(account=account, kind=Entry.Kind.EXPIRE).exclude(reference__startswith="closed:")
    given_back = Adjustment.objects.filter(
        account=account, category=Adjustment.Category.RESCUE, reversed_by__isnull=True
    )
    movements = [(when, -delta) for when, delta in expired.values_list("at", "delta")]
    movements += [(when, -points) for when, points in given_back.values_list("at", "points")]
    open_: list[tuple[dt.datetime, int]] = []
    for when, points in sorted(movements):
        open_ = [lost for lost in open_ if lost[0] > when - window]
        open_ = [*open_, (when, points)] if points > 0 else _less(open_, -points)
    return sum(points for when, points in open_ if when > at - window)


def _less(lost: list[tuple[dt.datetime, int]], points: int) -> list[tuple[dt.datetime, int]]:
    """What is left after giving back points, those that expired first at first."""
    left = []
    for when, expired in lost:
        taken = min(expired, points)
        points -= taken
        if expired > taken:
            left.append((when, expired - taken))
    return left


def _window() -> dt.timedelta:
    return dt.timedelta(days=programmes.current().rescue_days)
