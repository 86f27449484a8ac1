"""What a merge, or its undoing, would bring together or apart (domain.md E58): every floor says its part before it is done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from members.models import Consent, Member, Subscription


@dataclass(frozen=True, slots=True)
class Side:
    """One line of the preview: what the two have now, and what both (merged) or each (parted) will have."""

    title: str
    source: str
    target: str
    after: str


Ask = Callable[[Member, Member, dt.datetime], Iterable[Side]]

_merges: list[Ask] = []
_partings: list[Ask] = []


def register(*, merge: Ask, part: Ask) -> None:
    """Called by each app when it starts."""
    _merges.append(merge)
    _partings.append(part)


def of_merge(source: Member, target: Member, at: dt.datetime) -> list[Side]:
    """What merging the source into the target would do; a fixed number of queries."""
    return [side for ask in _merges for side in ask(source, target, at)]


def of_parting(source: Member, target: Member, at: dt.datetime) -> list[Side]:
    """What undoing the merge would do, and what cannot come back."""
    return [side for ask in _partings for side in ask(source, target, at)]


def merge(source: Member, target: Member, at: dt.datetime) -> Iterable[Side]:
    """This floor's part: consents intersect, terms of plans follow."""
    ours, theirs = _consents(source), _consents(target)
    yield Side(
        _("Consents"), str(len(ours)), str(len(theirs)), _("%d that both gave; the others end") % len(ours & theirs)
    )
    mine, hers = _terms(source, at), _terms(target, at)
    if mine or hers:
        after = _("each term stays where it is") if not mine else _("the source's days follow the target's")
        yield Side(_("Days of plans"), str(mine), str(hers), after)


def part(source: Member, target: Member, at: dt.datetime) -> Iterable[Side]:
    """This floor's part: consents come back to each, but for those that were taken back meanwhile."""
    back = [
        Consent.objects.filter(member=one, ended_by=other).count()
        for one, other in ((source, target), (target, source))
    ]
    yield Side(
        _("Consents"), _("%d come back") % back[0], _("%d come back") % back[1],
        _("not those that were taken back meanwhile"),
    )  # fmt: skip


def _consents(member: Member) -> set[tuple[str, str]]:
    rows = Consent.objects.filter(member=member, withdrawn_at=None)
    return set(rows.order_by().values_list("purpose", "recipient"))


def _terms(member: Member, at: dt.datetime) -> int:
    """Days of plans that are left."""
    terms = Subscription.objects.filter(member=member, ends_at__gt=at)
    return sum(term.days_left(at) for term in terms)
