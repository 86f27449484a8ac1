"""The members' roll: members taken under lock, changed in memory by a batch of changes, and written back once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common import sql
from common.problems import Problem
from common.services import outbox
from members.facts import MemberClosed, MemberMerged, MemberRegistered, MemberUnmerged, MemberUpdated
from members.models import Member

from . import identities, profiles
from .profiles import Profile

_WRITTEN = [
    "kind",
    "status",
    "name",
    "birthday",
    "phone_verified",
    "real_name_verified",
    "attributes",
    "said_at",
    "registered_at",
    "closed_at",
    "merged_into",
]


class UnknownMember(Problem):
    code = "unknown_member"
    status = 422
    title = _("There is no such member.")


class MemberIsClosed(Problem):
    code = "member_closed"
    status = 409
    title = _("The member's account is closed.")


class MemberIsMerged(Problem):
    code = "member_merged"
    status = 409
    title = _("The member was merged into another member.")


class MemberIsNotMerged(Problem):
    code = "member_not_merged"
    status = 409
    title = _("The member is not merged into another member.")


class MergeIntoItself(Problem):
    """Also when the target was itself merged into the source: a circle."""

    code = "merge_into_itself"
    status = 422
    title = _("A member cannot be merged into itself.")


class Roll:
    """See `open_roll`. A verb answers whether it changed anything; it raises its Problem before it changes anything."""

    def __init__(self, members: dict[str, Member], at: dt.datetime):
        self.members = members
        self.at = at
        self._new: dict[str, Member] = {}
        self._dirty: dict[str, Member] = {}
        self._identities: list[identities.Word] = []
        self._facts: list = []

    def knows(self, external_id: str) -> bool:
        return external_id in self.members

    def find(self, external_id: str) -> Member:
        """The member as it stands, closed or merged ones too."""
        if external_id not in self.members:
            raise UnknownMember(member=external_id)
        return self.members[external_id]

    def active(self, external_id: str) -> Member:
        member = self.find(external_id)
        if member.status == Member.Status.CLOSED:
            raise MemberIsClosed(member=external_id)
        if member.status == Member.Status.MERGED:
            raise MemberIsMerged(member=external_id, merged_into=self._target(member).external_id)
        return member

    def remaining(self, external_id: str) -> Member:
        """The active member for whom the name stands, wherever merges have led."""
        return self.active(self._target(self.find(external_id)).external_id)

    def register(self, external_id: str, profile: Profile, time: dt.datetime) -> bool:
        """Enter a new member; for one who is known already, what the profile says is an update."""
        if self.knows(external_id):
            return self.update(external_id, profile, time)
        member = Member(external_id=external_id, registered_at=time)
        profiles.apply(profile, member, time)
        self._note_sealed(profile, member, time)
        self.members[external_id] = self._new[external_id] = member
        registered_at = member.registered_at.isoformat()
        self._facts.append(MemberRegistered(key=external_id, external_id=external_id, registered_at=registered_at))
        return True

    def update(self, external_id: str, profile: Profile, time: dt.datetime) -> bool:
        member = self.active(external_id)
        changed = profiles.apply(profile, member, time)
        changed += self._note_sealed(profile, member, time)
        self._touch(member)
        if changed:
            self._facts.append(MemberUpdated(key=external_id, external_id=external_id, changed=changed))
        return bool(changed)

    def close(self, external_id: str, time: dt.datetime) -> bool:
        """Close the account. Its points are dealt with by whoever keeps them, when the fact arrives."""
        if self.find(external_id).status == Member.Status.CLOSED:
            return False
        member = self.active(external_id)
        member.status = Member.Status.CLOSED
        member.closed_at = time
        self._touch(member)
        self._facts.append(MemberClosed(key=external_id, external_id=external_id, closed_at=time.isoformat()))
        return True

    def merge(self, source_id: str, target_id: str, time: dt.datetime) -> bool:
        """From now on the source's name stands for the target (if that one was merged too: for where it went)."""
        source, target = self.find(source_id), self._target(self.find(target_id))
        if source.status == Member.Status.MERGED and self._target(source) is target:
            return False
        source = self.active(source_id)
        if source is target:
            raise MergeIntoItself(member=source_id, into=target_id)
        self.remaining(target_id)
        self._insert_new()
        source.status = Member.Status.MERGED
        source.merged_into = target
        self._touch(source)
        merged = {"source": source_id, "target": target.external_id, "merged_at": time.isoformat()}
        self._facts.append(MemberMerged(key=source_id, **merged))
        return True

    def unmerge(self, source_id: str, time: dt.datetime) -> None:
        """Undo a merge: the source stands for itself again."""
        source = self.find(source_id)
        target = source.merged_into
        if target is None:
            raise MemberIsNotMerged(member=source_id)
        if self._target(source).status == Member.Status.CLOSED:
            raise MemberIsClosed(member=target.external_id)
        source.status = Member.Status.ACTIVE
        source.merged_into = None
        self._touch(source)
        unmerged = {"source": source_id, "target": target.external_id, "unmerged_at": time.isoformat()}
        self._facts.append(MemberUnmerged(key=source_id, **unmerged))

    def flush(self) -> None:
        """Write everything: at most one insert of new members, one update of changed ones, one insert of facts."""
        self._insert_new()
        if self._dirty:
            sql.update_rows(list(self._dirty.values()), _WRITTEN)
        if self._identities:
            identities.keep(self._identities)
        if self._facts:
            outbox.publish(self._facts, self.at)

    def _target(self, member: Member) -> Member:
        while member.merged_into is not None:
            member = self.members[member.merged_into.external_id]
        return member

    def _note_sealed(self, profile: Profile, member: Member, time: dt.datetime) -> list[str]:
        """Keep what is news of phone and real-name id; the names of these fields."""
        words = profiles.sealed(profile, member, time)
        self._identities += words.values()
        return list(words)

    def _touch(self, member: Member) -> None:
        if member.external_id not in self._new:
            self._dirty[member.external_id] = member

    def _insert_new(self) -> None:
        if self._new:
            Member.objects.bulk_create(self._new.values())
            self._new.clear()


@contextmanager
def open_roll(external_ids: Collection[str], at: dt.datetime) -> Iterator[Roll]:
    """Take the named members, and those they were merged into, FOR UPDATE in the order of their ids; write on leaving.

    A twin that registers the same member at the same instant makes the flush fail with IntegrityError: try again and
    the member is there.
    """
    with transaction.atomic():
        taken: dict[str, Member] = {}
        wanted = set(external_ids)
        while wanted:
            found = Member.objects.select_for_update(of=("self",)).select_related("merged_into")
            rows = list(found.filter(external_id__in=wanted).order_by("id"))
            taken |= {member.external_id: member for member in rows}
            wanted = {member.merged_into.external_id for member in rows if member.merged_into} - taken.keys()
        for member in taken.values():
            if member.merged_into:
                member.merged_into = taken[member.merged_into.external_id]
        roll = Roll(taken, at)
        yield roll
        roll.flush()
