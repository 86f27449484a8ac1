"""What a merge does to cards of merchants' memberships, before it is done (domain.md E58)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.utils.translation import gettext as _

from members.models import Member
from members.selectors.merging import Side
from merchants.models import Card


def merge(source: Member, target: Member, at: dt.datetime) -> Iterable[Side]:
    """Two cards of one membership become one; a second opening gift stays behind."""
    ours, theirs = _cards(source), _cards(target)
    for pk, card in sorted((theirs | ours).items()):
        mine, hers = ours.get(pk), theirs.get(pk)
        after = _("one card; the opening gift counts once") if mine and hers else _("stays as it is")
        yield Side(str(card.club), _points(mine), _points(hers), after)


def part(source: Member, target: Member, at: dt.datetime) -> Iterable[Side]:
    """The source's own orders and what is left of its points go back."""
    theirs = _cards(target)
    for club, card in sorted(_cards(source).items()):
        yield Side(
            str(card.club), _("gets its own orders back"), _points(theirs.get(club)), _("as many points as are left")
        )


def _cards(member: Member) -> dict[int, Card]:
    return {card.club_id: card for card in Card.objects.filter(member=member).select_related("club__merchant")}


def _points(card: Card | None) -> str:
    return _("%d points of the card") % card.points if card else "–"
