"""Broken promises: told by a floor above, held against the member in the next rating, excused by a person (F21, E52)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common import clock
from common.problems import InvalidInput, Problem
from common.services import audit
from loyalty.models import Account, Breach
from loyalty.services import conduct


class ExcusedBefore(Problem):
    """The broken promise counts no more already."""

    code = "breach_excused"
    status = 409
    title = _("This has been excused already.")


class Told(NamedTuple):
    """Who did not keep it, and by which cause it is known; `order` says which purchase it is about."""

    member_id: int
    reference: str
    order: str


def record(told: Iterable[Told], kind: str, at: dt.datetime) -> None:
    """Write down what members have not kept, in one statement; what is known by its reference stays as it is."""
    rows = [
        Breach(
            member_id=one.member_id,
            kind=kind,
            reference=one.reference,
            order_code=one.order,
            day=clock.local_date(at),
            at=at,
        )
        for one in told
    ]
    Breach.objects.bulk_create(rows, ignore_conflicts=True)


def excuse(breach: Breach, note: str, actor: audit.Actor, at: dt.datetime) -> Breach:
    """Hold it against the member no longer, who is rated again at once.

    Raises PersonNeeded, InvalidInput (no note), ExcusedBefore.
    """
    if actor.staff is None:
        raise conduct.PersonNeeded
    note = note.strip()
    if not note:
        raise InvalidInput(_("Say why: the note is what the member is told."))
    with transaction.atomic():
        Account.objects.select_for_update(of=("self",)).filter(wallet__member=breach.member_id).first()
        open_one = Breach.objects.filter(pk=breach.pk, excused_at=None)
        if not open_one.update(excused_at=at, excused_by=actor.staff, note=note[:500]):
            raise ExcusedBefore
        breach = Breach.objects.select_related("member").get(pk=breach.pk)
        audit.record(actor, "loyalty.breaches.excuse", breach.member, _("Excused: %s") % breach, at, reason=note)
        conduct.rate_member(breach.member, at)
    return breach
