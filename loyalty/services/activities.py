"""Log-ins, check-ins and shares: once per kind and local day, with the streak of days in a row (E25, E30)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from common import clock
from common.services.inbox import Event, Outcome
from loyalty.models import Activity, GrowthEntry, Lot
from loyalty.services import earning
from loyalty.services.desk import Desk
from loyalty.services.memberfacts import MemberFacts
from loyalty.services.occasions import Occasion

KINDS = {
    "member.logged_in": Activity.Kind.LOGIN,
    "member.checked_in": Activity.Kind.CHECK_IN,
    "member.shared": Activity.Kind.SHARE,
}


def prepare(desk: Desk, events: Sequence[Event]) -> None:
    """Read the activities of the days at hand and of the days before them."""
    days = {clock.local_date(event.time) for event in events}
    days |= {day - dt.timedelta(days=1) for day in days}
    members = [wallet.member_id for wallet in desk.wallets.values()]
    rows = Activity.objects.filter(member__in=members, day__in=days).values_list("member_id", "kind", "day", "streak")
    desk.shelf["activities"] = {(member_id, kind, day): streak for member_id, kind, day, streak in rows}
    desk.shelf.setdefault("memberfacts", MemberFacts(desk.wallets.values(), desk.rules))


def record(desk: Desk, event: Event) -> Outcome:
    """Record the activity and ask the rules. An automatic log-in does not count (E30)."""
    wallet, day, kind = desk.wallet(event.subject), clock.local_date(event.time), KINDS[event.type]
    if kind == Activity.Kind.LOGIN and not event.data.manual:
        return Outcome.ignored("automatic_login")
    known = desk.shelf["activities"]
    if (wallet.member_id, kind, day) in known:
        return Outcome.ignored("already_today")
    streak = known.get((wallet.member_id, kind, day - dt.timedelta(days=1)), 0) + 1
    known[wallet.member_id, kind, day] = streak
    desk.add(
        Activity(member=wallet.member, kind=kind, day=day, streak=streak, channel=event.data.channel, at=event.time)
    )
    policy = desk.growth.policy(event.time)
    if policy is not None and kind == Activity.Kind.LOGIN:
        desk.growth.give(wallet, GrowthEntry.Kind.LOGIN, policy.login, policy, event.time, reference=f"{kind}:{day}")
    facts = desk.shelf["memberfacts"].of(wallet, event.time, streak=streak, manual=event.data.manual)
    effects = earn(desk, event, facts, reference=f"{kind}:{day}", channel=event.data.channel)
    return Outcome.applied(effects | {"activity": {"day": day.isoformat(), "streak": streak}})


def earn(desk: Desk, event: Event, facts, *, reference: str, channel: str = "", attributes: dict | None = None) -> dict:
    """Ask the rules about an event without an order and post what they give."""
    wallet = desk.wallet(event.subject)
    occasion = Occasion(
        type=event.type,
        at=event.time,
        local=clock.local(event.time),
        facts=facts,
        channel=channel,
        attributes=attributes or {},
    )
    evaluation = earning.evaluate(
        desk.rules.in_force(event.type, event.time),
        occasion,
        desk.caps.of(wallet.account_id),
    )
    paid = desk.pay(wallet, evaluation, earned_at=event.time, source=Lot.Source.ACTIVITY, reference=reference)
    points = {"earned": paid.earned, "pending": paid.pending, "capped": paid.capped}
    return {"points": points | ({"fined": paid.fined} if paid.fined else {})}
