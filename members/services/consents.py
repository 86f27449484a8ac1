"""Consents are given and withdrawn; the history stays (PIPL 23: separate, named recipient and purpose, revocable)."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.problems import Problem
from common.services import outbox
from members.facts import ConsentGiven, ConsentWithdrawn
from members.models import Consent, Member

from . import members, recipients

Purpose = Consent.Purpose
TO_THE_PROGRAMME = frozenset({Purpose.PERSONALISE})
"""Purposes that name no merchant; all others name one."""


class UnknownRecipient(Problem):
    """The consent names nobody who could receive anything, or a merchant where none belongs."""

    code = "unknown_recipient"
    status = 422
    title = _("There is no such recipient for this purpose.")


def give(member: Member, purpose: str, recipient: str, source: str, at: dt.datetime) -> Consent:
    """Open the consent, or answer the one that stands; two at once open one.

    Raises UnknownRecipient: a consent to nobody in particular is none (PIPL 23).
    """
    check(purpose, recipient)
    key = {"member": member, "purpose": purpose, "recipient": recipient, "withdrawn_at": None}
    with transaction.atomic():
        found = Consent.objects.filter(**key).first()
        if found:
            return found
        try:
            with transaction.atomic():
                given = Consent.objects.create(**key, source=source[:40], given_at=at)
        except IntegrityError:
            return Consent.objects.get(**key)
        outbox.publish([ConsentGiven(member.external_id, str(purpose), recipient)], at)
        return given


def check(purpose: str, recipient: str) -> None:
    """Refuse what names the wrong recipient. Raises UnknownRecipient."""
    belongs = recipient == "" if purpose in TO_THE_PROGRAMME else recipient in recipients.of([recipient])
    if not belongs:
        raise UnknownRecipient(recipient=recipient)


def withdraw(member: Member, purpose: str, recipient: str, at: dt.datetime) -> bool:
    """Close the consent that stands; whether there was one. Nothing is shown, sent or linked under it any more."""
    return bool(_withdraw(member, [(purpose, recipient)], at))


def withdraw_all(member: Member, at: dt.datetime) -> int:
    """The member has left: no consent outlives that (PIPL 47)."""
    return _withdraw(member, None, at)


def intersect(source: Member, target: Member, at: dt.datetime) -> None:
    """Two members were one all along: only what both agreed to still stands (domain.md E58). Twice is once."""
    with transaction.atomic():
        both = _standing(source) & _standing(target)
        _withdraw(target, _standing(target) - both, at, merge=source)
        _withdraw(source, None, at, merge=target)


def part(source: Member, target: Member, at: dt.datetime) -> int:
    """The two were not one: what the merge ended stands again for each, but for what was taken back meanwhile; how many.

    Twice is once. A purpose that was taken back while they were one stays so for both, whose hand it was. A target that
    was merged on since is still somebody else: nothing stands again for it.
    """
    with transaction.atomic():
        ended_by_merge = Q(member=source, ended_by=target)
        if target.merged_into is None:
            ended_by_merge |= Q(member=target, ended_by=source)
        ended = list(Consent.objects.select_for_update(of=("self",)).filter(ended_by_merge).order_by("pk"))
        since = min((row.withdrawn_at for row in ended if row.withdrawn_at), default=at)
        taken_back = set(
            Consent.objects.filter(
                member__in={target, members.remaining(target)}, ended_by=None, withdrawn_at__gte=since
            ).values_list("purpose", "recipient")
        )
        given = 0
        for row in ended:
            name = (row.purpose, row.recipient)
            if name not in taken_back and name not in _standing(row.member):
                give_again = Consent(member=row.member, purpose=row.purpose, recipient=row.recipient)
                give_again.source, give_again.given_at = row.source, max(at, row.given_at)
                give_again.save()
                outbox.publish([ConsentGiven(row.member.external_id, *name)], at)
                given += 1
        Consent.objects.filter(pk__in=[row.pk for row in ended]).update(ended_by=None)
        return given


def _standing(member: Member) -> set[tuple[str, str]]:
    rows = Consent.objects.filter(member=member, withdrawn_at=None)
    return set(rows.order_by().values_list("purpose", "recipient"))


def _withdraw(member: Member, which, at: dt.datetime, *, merge: Member | None = None) -> int:
    """Close the standing consents, all of them or (purpose, recipient) pairs; a consent never ends before it began.

    `merge` is the member whose merging ends them.
    """
    with transaction.atomic():
        rows = Consent.objects.select_for_update().filter(member=member, withdrawn_at=None).order_by("pk")
        closed = [row for row in rows if which is None or (row.purpose, row.recipient) in which]
        for row in closed:
            row.withdrawn_at, row.ended_by = max(at, row.given_at), merge
        Consent.objects.bulk_update(closed, ["withdrawn_at", "ended_by"])
        names = [(member.external_id, row.purpose, row.recipient) for row in closed]
        outbox.publish([ConsentWithdrawn(*name) for name in names], at)
        return len(closed)
