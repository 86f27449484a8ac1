"""The undoing of a campaign in words and pictures: where the points are, and what each policy does about them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.translation import gettext

from common.admin import words
from loyalty.admin import pictures
from loyalty.models import CampaignUndo
from loyalty.selectors import campaign_undos as selectors
from loyalty.selectors.campaign_undos import Fates, Target

Policy, Status = CampaignUndo.Policy, CampaignUndo.Status

_SHOWN = 20


def picture(fates: Fates) -> dict[str, Any]:
    """Where the points are, as bars, and how many members have them."""
    parts = [
        (gettext("Left with members"), fates.left, "#2563eb"),
        (gettext("Spent or in a checkout"), fates.spent, "#dc2626"),
        (gettext("Expired"), fates.expired, "#94a3b8"),
        (gettext("Taken back already"), fates.taken, "#16a34a"),
    ]
    return {
        "bars": _bars(parts, fates.earned),
        "granted": words.number(fates.earned),
        "members": words.number(fates.members),
    }


def consequences(fates: Fates) -> list[tuple[str, str]]:
    """What each policy would do now, as choices of a form."""
    numbers = {
        "left": words.number(fates.left), "spent": words.number(fates.spent), "people": words.number(fates.spenders),
    }  # fmt: skip
    return [
        (
            Policy.UNSPENT.value,
            gettext(
                "Take back the %(left)s points that are left; %(people)s members keep the %(spent)s they have spent."
            )
            % numbers,
        ),
        (
            Policy.DEBT.value,
            gettext(
                "Take back the %(left)s points that are left and the %(spent)s that %(people)s members have spent: "
                "from their other points, and what these do not hold as debt."
            )
            % numbers,
        ),
        (Policy.MARK.value, gettext("Take nothing back; only end the campaign.")),
    ]


def people(target: Target, at: dt.datetime) -> list[tuple]:
    """Who has spent most of it."""
    rows = selectors.people(target, at, _SHOWN)
    return [(words.link(wallet.member), *map(words.number, figures)) for wallet, *figures in rows]


def show(undo: CampaignUndo, at: dt.datetime) -> dict[str, Any]:
    """Before it is carried out, where the points are; afterwards, what was done about them."""
    fates = selectors.whole(undo.target, at)
    if undo.status in (Status.PROPOSED, Status.WITHDRAWN):
        return {**picture(fates), "people": people(undo.target, at)}
    done = selectors.done(undo)
    parts = [
        (gettext("Taken back of what was granted"), done["taken"], "#16a34a"),
        (gettext("Taken from other points"), done["others"], "#65a30d"),
        (gettext("Booked as debt"), done["debt"], "#d97706"),
        (gettext("Spent and kept"), done["kept"], "#dc2626"),
    ]
    return {
        "bars": _bars(parts, fates.earned), "granted": words.number(fates.earned), "members": words.number(fates.members),
    }  # fmt: skip


def _bars(parts: list[tuple[str, int, str]], whole: int) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "percent": points * 100 // whole if whole else 0,
            "colour": colour,
            "members": words.number(points),
            "share": pictures.share(points, whole),
        }
        for name, points, colour in parts
    ]
