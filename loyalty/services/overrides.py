"""Tiers set by hand, with an end: while it lasts nothing but another decision changes the tier (S1-50, issue 3)."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common import clock
from common.problems import InvalidInput, Problem
from common.services import audit, outbox
from loyalty import facts
from loyalty.models import Standing, Tier, TierChange
from loyalty.selectors import programme as programmes
from loyalty.services import ladders, tiers, wallets
from loyalty.services.desk import ClosedMember
from loyalty.services.ladders import CompiledLadder
from members.models import Member

Reason = TierChange.Reason


class NoLadder(Problem):
    """There is no ladder in force, so there is nothing to stand on."""

    code = "no_ladder"
    status = 409
    title = _("No ladder is in force.")


class NotSetByHand(Problem):
    """The member's tier was not set by hand, so there is nothing to lift."""

    code = "tier_not_set_by_hand"
    status = 409
    title = _("The member's tier was not set by hand.")


def set_tier(
    member: Member, tier: Tier, until_on: dt.date, *, note: str, actor: audit.Actor, at: dt.datetime
) -> TierChange:
    """Give a member a tier of the ladder in force up to the end of the day `until_on`; growth goes on as ever.

    Meanwhile nothing is reviewed or deducted; afterwards growth decides. Raises InvalidInput (a tier that is not on the
    ladder, a day that has passed, no note), NoLadder.
    """
    with transaction.atomic():
        standing, ladder = _standing(member, at)
        if tier.pk not in ladder.by_tier:
            raise InvalidInput(_("%(tier)s is not on the ladder in force.") % {"tier": tier})
        if until_on < clock.local_date(at):
            raise InvalidInput(_("The last day must not have passed."))
        if not note.strip():
            raise InvalidInput(_("Say why."))
        until = clock.day_end(until_on)
        change = _change(standing, tier, until, until, Reason.OVERRIDE, ladder, note, actor, at)
        summary = f"{member}: {tier} until {until_on}"
        audit.record(actor, "loyalty.overrides.set_tier", member, summary, at, reason=note)
    return change


def lift(member: Member, *, note: str, actor: audit.Actor, at: dt.datetime) -> TierChange:
    """End a tier set by hand now: growth decides. Raises NotSetByHand, NoLadder, InvalidInput (no note)."""
    with transaction.atomic():
        standing, ladder = _standing(member, at)
        if standing.override_until is None:
            raise NotSetByHand
        if not note.strip():
            raise InvalidInput(_("Say why."))
        step = ladder.deserved_by(standing)
        until = ladder.valid_until(step, clock.local_date(at))
        change = _change(standing, step.tier, until, None, Reason.OVERRIDE_ENDED, ladder, note, actor, at)
        audit.record(actor, "loyalty.overrides.lift", member, f"{member}: {step.tier}", at, reason=note)
    return change


def _standing(member: Member, at: dt.datetime) -> tuple[Standing, CompiledLadder]:
    """The locked standing of an active member, when all that was due has been done, and the ladder it is on."""
    ladder = ladders.load(programmes.current()).ladders.at(at)
    if ladder is None:
        raise NoLadder
    wallets.of(member)
    wallet = wallets.lock([member.external_id], at)[member.external_id]
    if wallet.member.status != Member.Status.ACTIVE:
        raise ClosedMember
    tiers.catch_up([wallet.member_id], at)
    return Standing.objects.select_related("member", "tier").get(pk=wallet.member_id), ladder


def _change(
    standing: Standing,
    tier: Tier,
    until: dt.datetime | None,
    override_until: dt.datetime | None,
    reason: str,
    ladder: CompiledLadder,
    note: str,
    actor: audit.Actor,
    at: dt.datetime,
) -> TierChange:
    before = standing.tier
    standing.tier, standing.tier_until, standing.override_until, standing.in_grace = tier, until, override_until, False
    standing.tier_since = at if before != tier else standing.tier_since
    standing.provisional_until = standing.provisional_tier = None
    standing.due_at = ladder.due_at(standing)
    standing.save()
    if before != tier:
        fact = facts.TierChanged(
            key=standing.member.external_id,
            before=before.code if before else None,
            after=tier.code,
            reason=reason,
            growth=standing.whole_growth,
            until=until.isoformat() if until else None,
        )
        outbox.publish([fact], at)
    return TierChange.objects.create(
        member_id=standing.pk,
        before=before,
        after=tier,
        reason=reason,
        growth=standing.growth,
        at=at,
        until=until,
        ladder=ladder.ladder,
        note=note[:500],
        decided_by=actor.staff,
    )
