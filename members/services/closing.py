"""A member leaves: what is lost is said first, what is open must be settled, and she must say that she waives the rest (C35).

The fact `member.closed` makes the floors above do their part. An event that says the shop has closed the account is a fact
and is never refused (docs/decisions/0032).
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.problems import Problem
from common.services import audit
from members.models import Member
from members.selectors import leaving
from members.services import members, plans


class Hindered(Problem):
    """Something has to be settled first; `hindrances` say what."""

    code = "closing_hindered"
    status = 409
    title = _("The account cannot be closed yet.")


class NotWaived(Problem):
    """Closing takes a word that everything in the preview is given up."""

    code = "waiver_missing"
    status = 422
    title = _("Say that you waive what is lost: `waive` must be true.")


def close(member: Member, *, waive: bool, actor: audit.Actor, at: dt.datetime, reason: str = "") -> Member:
    """Close the account for good. Raises NotWaived, Hindered, and what `members.close` raises."""
    if not waive:
        raise NotWaived
    with transaction.atomic():
        plans.lock(member)
        hindrances = leaving.of(member, at).hindrances
        if hindrances:
            detail = " ".join(one.detail for one in hindrances)
            raise Hindered(detail, hindrances=[{"code": one.code, "detail": one.detail} for one in hindrances])
        return members.close(member.external_id, at, actor, reason)
