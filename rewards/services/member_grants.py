"""Benefits given to one member: by hand with a reason, and taken back."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.problems import InvalidInput, Problem
from common.services import audit, outbox
from members.models import Member
from rewards import facts
from rewards.models import Benefit, MemberGrant, Period

LONGEST = dt.timedelta(days=731)


class TakenBackBefore(Problem):
    """What was taken back or has run out is not taken back again."""

    code = "taken_back_before"
    status = 409
    title = _("The member does not have this any more.")


def give(
    member: Member,
    benefit: Benefit,
    actor: audit.Actor,
    at: dt.datetime,
    *,
    until: dt.datetime,
    reason: str,
    value: int | None = None,
    quota: int | None = None,
    period: str = Period.TERM,
) -> MemberGrant:
    """Give one member a benefit until an instant, two years ahead at most, with a reason.

    Raises InvalidInput: no reason, no time, a parameter that is missing.
    """
    reason = reason.strip()
    if not reason:
        raise InvalidInput(_("Say why."))
    if not at < until <= at + LONGEST:
        raise InvalidInput(_("Choose an end in the future, two years ahead at most."))
    if benefit.parameter and value is None:
        raise InvalidInput(_("Say the parameter: %s.") % benefit.parameter.words)
    if quota is not None and quota < 1:
        raise InvalidInput(_("A quota is at least one use."))
    with transaction.atomic():
        Benefit.objects.filter(pk=benefit.pk).hold()
        gift = MemberGrant.objects.create(
            member=member,
            benefit=benefit,
            reference=f"hand:{uuid.uuid4()}",
            reason=reason[:500],
            value=value if benefit.parameter else None,
            quota=quota,
            period=period,
            starts_at=at,
            ends_at=until,
            given_at=at,
            given_by=actor.staff,
        )
        audit.record(actor, "rewards.member_grants.give", gift, f"{benefit} for {member}", at, reason=reason)
        outbox.publish([facts.BenefitGiven(member.external_id, benefit.code, until.isoformat())], at)
    return gift


def take_back(gift: MemberGrant, actor: audit.Actor, at: dt.datetime, *, reason: str) -> MemberGrant:
    """End a gift now; what was used stays. Raises TakenBackBefore, InvalidInput (no reason)."""
    reason = reason.strip()
    if not reason:
        raise InvalidInput(_("Say why."))
    with transaction.atomic():
        gift = MemberGrant.objects.select_for_update(of=("self",)).select_related("member", "benefit").get(pk=gift.pk)
        if gift.revoked_at is not None or gift.ends_at <= at:
            raise TakenBackBefore
        gift.revoked_at = at
        gift.save(update_fields=["revoked_at"])
        audit.record(actor, "rewards.member_grants.take_back", gift, str(gift), at, reason=reason)
        outbox.publish([facts.BenefitTakenBack(gift.member.external_id, gift.benefit.code)], at)
    return gift
