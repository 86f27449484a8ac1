"""Members: register, update, close, merge, unmerge; and `ensure` for those who are met in passing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from common.problems import Problem
from common.services import audit, outbox
from members.facts import MemberRegistered
from members.models import Member

from . import profiles
from .profiles import Profile
from .roll import MemberIsClosed, UnknownMember, open_roll


class MemberExists(Problem):
    code = "member_exists"
    status = 409
    title = _("There is a member with this external id already.")


def register(external_id: str, profile: Profile, at: dt.datetime) -> Member:
    """Enter a new member. Two requests at once enter one; the other is refused with MemberExists."""
    profiles.check(profile, at)
    try:
        with open_roll([external_id], at) as roll:
            if roll.knows(external_id):
                raise MemberExists(member=external_id)
            roll.register(external_id, profile, at)
            return roll.find(external_id)
    except IntegrityError:
        raise MemberExists(member=external_id) from None


def update(external_id: str, profile: Profile, at: dt.datetime) -> Member:
    """Change what the profile says. Refuses unknown, closed and merged members."""
    with open_roll([external_id], at) as roll:
        profiles.check(profile, at)
        roll.update(external_id, profile, at)
        return roll.find(external_id)


def close(external_id: str, at: dt.datetime, actor: audit.Actor | None = None, reason: str = "") -> Member:
    """Close the account for good (domain.md E59). Closing a closed one changes nothing."""
    with open_roll([external_id], at) as roll:
        if roll.close(external_id, at):
            _record(actor, "close", roll.find(external_id), _("Closed the account."), at, reason)
        return roll.find(external_id)


def merge(
    source_id: str, target_id: str, at: dt.datetime, actor: audit.Actor | None = None, reason: str = ""
) -> Member:
    """Let the source's name stand for the target from now on (E58); answers the member that remains."""
    with open_roll([source_id, target_id], at) as roll:
        if roll.merge(source_id, target_id, at):
            _record(actor, "merge", roll.find(source_id), _("Merged into %s.") % target_id, at, reason)
        return roll.remaining(source_id)


def unmerge(source_id: str, at: dt.datetime, actor: audit.Actor | None = None, reason: str = "") -> Member:
    """Undo a merge. Refuses members that are not merged."""
    with open_roll([source_id], at) as roll:
        roll.unmerge(source_id, at)
        _record(actor, "unmerge", roll.find(source_id), _("Undid the merge."), at, reason)
        return roll.find(source_id)


def ensure(external_ids: Collection[str], at: dt.datetime, register: bool) -> dict[str, Member]:
    """The members of these names, by name; merged ones as the member they were merged into, closed ones as they are.

    With `register`, unknown ones are entered (once, however many ask at the same time); without, they are left out,
    and so are names that no member can have. One query when all are known.
    """
    known = _find(external_ids)
    unknown = sorted(name for name in set(external_ids) - known.keys() if profiles.is_external_id(name))
    if unknown and register:
        with transaction.atomic():
            new = {name: Member(external_id=name, registered_at=at) for name in unknown}
            Member.objects.bulk_create(new.values(), ignore_conflicts=True)
            entered = _find(unknown)
            known |= entered
            ours = [name for name in unknown if entered[name].uuid == new[name].uuid]
            outbox.publish([MemberRegistered(name, name, at.isoformat()) for name in ours], at)
    return {name: remaining(member) for name, member in known.items()}


def active(external_id: str) -> Member:
    """The active member for whom a name stands; not locked. Raises UnknownMember, MemberIsClosed."""
    member = _find([external_id]).get(external_id)
    if member is None:
        raise UnknownMember(member=external_id)
    member = remaining(member)
    if member.status == Member.Status.CLOSED:
        raise MemberIsClosed(member=external_id)
    return member


def _find(external_ids: Collection[str]) -> dict[str, Member]:
    rows = Member.objects.filter(external_id__in=set(external_ids)).select_related("merged_into")
    return {member.external_id: member for member in rows}


def remaining(member: Member) -> Member:
    """Follow merges to the member that remains; a chain longer than one costs a query a link and is rare."""
    while member.merged_into is not None:
        member = member.merged_into
    return member


def _record(actor: audit.Actor | None, verb: str, member: Member, summary, at: dt.datetime, reason: str) -> None:
    """People's deeds go into the audit log; events are on record in the inbox."""
    if actor:
        audit.record(actor, f"members.members.{verb}", member, str(summary), at, reason=reason)
