"""What this floor does when something happened below: members register, close, merge."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.utils import timezone

from common.services.inbox import Event
from common.services.outbox import Heard
from loyalty.services import activities, conduct, risk, scores, transfers
from loyalty.services.desk import Desk
from loyalty.services.memberfacts import MemberFacts
from members.models import Member
from members.services.members import remaining


def members_registered(facts: Sequence[Heard]) -> None:
    """Ask the rules about registrations: welcome points. Who had left before has had them (domain.md E59)."""
    names, times = [payload["key"] for payload, _at in facts], [at for _payload, at in facts]
    desk = Desk(names, max(times), times=times)
    told = MemberFacts(desk.wallets.values(), desk.rules)
    for name, at in zip(names, times, strict=True):
        wallet = desk.wallets.get(name)
        if wallet is not None and wallet.member.external_id == name and not wallet.member.has_returned:
            event = Event("loyalty", name, "member.registered", name, at, {}, {})
            activities.earn(desk, event, told.of(wallet, at), reference="member:registered")
    desk.close()


def credit_updated(payload: dict, at: dt.datetime) -> None:
    """Where conduct is judged by the credit score, the coefficient follows at once."""
    conduct.rate_member(Member.objects.get(external_id=payload["key"]), at)


def member_closed(payload: dict, at: dt.datetime) -> None:
    """All points of a member who has left expire."""
    transfers.close(Member.objects.get(external_id=payload["key"]), at)


def member_merged(payload: dict, at: dt.datetime) -> None:
    """The points follow the member."""
    members = {member.external_id: member for member in _named(payload)}
    transfers.merge(members[payload["source"]], members[payload["target"]], at)
    scores.recount([member.pk for member in members.values()])


def member_unmerged(payload: dict, at: dt.datetime) -> None:
    """What is left of the merged points goes back."""
    members = {member.external_id: member for member in _named(payload)}
    source, target = members[payload["source"]], members[payload["target"]]
    transfers.unmerge(source, target, at)
    scores.recount([source.pk, remaining(target).pk])


def risk_met(payload: dict, at: dt.datetime) -> None:
    """A risk rule asks for a look at what an action earned: the points are set aside."""
    if payload["outcome"] == "review":
        risk.look_into(payload, at, timezone.now())


def _named(payload: dict):
    return Member.objects.filter(external_id__in=[payload["source"], payload["target"]])
