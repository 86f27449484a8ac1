"""What this floor does when its own facts arrive: consents and identities end with the member, and follow a merge."""

from __future__ import annotations

import datetime as dt

from members.models import Member
from members.services import consents, identities, risk_listings


def member_closed(payload: dict, at: dt.datetime) -> None:
    """Nothing may be done with the data of who has left, and nothing is left to match by (PIPL 47)."""
    member = Member.objects.get(external_id=payload["key"])
    consents.withdraw_all(member, at)
    identities.forget(member)


def member_merged(payload: dict, at: dt.datetime) -> None:
    """Only what both agreed to stands (domain.md E58); what was withdrawn must be given anew, also after unmerging."""
    rows = Member.objects.filter(external_id__in=[payload["source"], payload["target"]])
    members = {member.external_id: member for member in rows}
    source, target = members[payload["source"]], members[payload["target"]]
    consents.intersect(source, target, at)
    identities.follow(source, target)
    risk_listings.follow(source, target, at)
