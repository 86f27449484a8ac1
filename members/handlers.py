"""What this floor does when its own facts arrive: consents and identities end with the member, and follow a merge."""

from __future__ import annotations

import datetime as dt

from members.models import Member
from members.selectors import records
from members.services import consents, erasure, identities, plan_merges, plan_renewals, risk_listings


def member_closed(payload: dict, at: dt.datetime) -> None:
    """Nothing may be done with the data of who has left, nothing is left to match by, and the person is forgotten (PIPL 47)."""
    member = Member.objects.get(external_id=payload["key"])
    consents.withdraw_all(member, at)
    plan_renewals.stop(member, at)
    identities.forget(records.same_person(member), at)
    erasure.erase([member], at)


def member_merged(payload: dict, at: dt.datetime) -> None:
    """Only what both agreed to stands, and terms of plans follow each other (domain.md E58)."""
    source, target = _named(payload)
    consents.intersect(source, target, at)
    identities.follow(source, target)
    risk_listings.follow(source, target, at)
    plan_merges.merge(source, target, at)


def member_unmerged(payload: dict, at: dt.datetime) -> None:
    """Each has again what she had agreed to herself, and what is left of her plans."""
    source, target = _named(payload)
    consents.part(source, target, at)
    plan_merges.unmerge(source, target, at)


def _named(payload: dict) -> tuple[Member, Member]:
    rows = Member.objects.filter(external_id__in=[payload["source"], payload["target"]])
    members = {member.external_id: member for member in rows}
    return members[payload["source"]], members[payload["target"]]
