"""Contesting a refusal: filed once, decided by a person who neither filed it nor put the rule or block in force (PIPL 24)."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from common.problems import InvalidInput, NotFound, Problem
from common.services import audit, outbox
from members import facts
from members.models import Member, RiskAppeal, RiskListing, RiskRefusal
from members.services import risk_listings

Status = RiskAppeal.Status
MOST_DAYS = 366


class AlreadyContested(Problem):
    """One refusal is contested once."""

    code = "already_contested"
    status = 409
    title = _("This was contested before.")


class AlreadyDecided(Problem):
    """An appeal is decided once."""

    code = "appeal_decided"
    status = 409
    title = _("This appeal was decided before.")


class AnotherPersonNeeded(Problem):
    """Nobody judges what she has done herself."""

    code = "another_person_needed"
    status = 409
    title = _("Somebody else has to decide: you filed this, or put the rule or the block in force.")


def find(member: Member, refusal: uuid.UUID) -> RiskRefusal:
    """A member's refusal that she may see, by its name. Raises NotFound."""
    found = RiskRefusal.objects.filter(uuid=refusal, member=member, is_shadow=False).first()
    if found is None:
        raise NotFound
    return found


@transaction.atomic
def file(refusal: RiskRefusal, text: str, actor: audit.Actor, at: dt.datetime) -> RiskAppeal:
    """Contest a refusal. Raises AlreadyContested, InvalidInput (nothing said, or nobody was refused)."""
    if not text.strip():
        raise InvalidInput(_("Say what is wrong with it."))
    if refusal.member is None or refusal.is_shadow:
        raise InvalidInput(_("No member was refused anything here."))
    appeal = RiskAppeal(refusal=refusal, member=refusal.member, text=text.strip(), filed_at=at, filed_by=actor.staff)
    try:
        with transaction.atomic():
            appeal.save(force_insert=True)
    except IntegrityError:
        raise AlreadyContested from None
    audit.record(actor, "members.risk_appeals.file", appeal, _("Contested: %s") % refusal, at)
    return appeal


@transaction.atomic
def uphold(appeal: RiskAppeal, *, note: str, spare_days: int, actor: audit.Actor, at: dt.datetime) -> RiskAppeal:
    """The member was right: blocks behind the refusal end; for `spare_days` the rules spare her in this (0 = not).

    Raises AlreadyDecided, AnotherPersonNeeded, InvalidInput.
    """
    appeal = _decide(appeal, Status.UPHELD, note, actor, at)
    refusal = appeal.refusal
    for block in _blocks(refusal, at):
        risk_listings.lift(block, actor, at, reason=note)
    if not 0 <= spare_days <= MOST_DAYS:
        raise InvalidInput(_("At most %d days.") % MOST_DAYS)
    if spare_days and refusal.version is not None:
        spared = RiskListing(
            kind=RiskListing.Kind.ALLOW,
            by=RiskListing.By.MEMBER,
            subject=appeal.member.external_id,
            member=appeal.member,
            actions=[refusal.action],
            reason=note,
            starts_at=at,
            ends_at=at + dt.timedelta(days=spare_days),
        )
        risk_listings.enter(spared, actor, at)
    return appeal


def _blocks(refusal: RiskRefusal, at: dt.datetime) -> list[RiskListing]:
    """The entries that stand because of what was contested."""
    entries = RiskListing.objects.in_force(at)
    if refusal.listing_id:
        return list(entries.filter(pk=refusal.listing_id))
    return list(entries.filter(member=refusal.member_id, version=refusal.version_id))


@transaction.atomic
def dismiss(appeal: RiskAppeal, *, note: str, actor: audit.Actor, at: dt.datetime) -> RiskAppeal:
    """The refusal stands; the member reads why. Raises AlreadyDecided, AnotherPersonNeeded, InvalidInput."""
    return _decide(appeal, Status.DISMISSED, note, actor, at)


def _decide(appeal: RiskAppeal, status: str, note: str, actor: audit.Actor, at: dt.datetime) -> RiskAppeal:
    appeal = RiskAppeal.objects.select_for_update(of=("self",)).get(pk=appeal.pk)
    if appeal.status != Status.OPEN:
        raise AlreadyDecided
    if not note.strip():
        raise InvalidInput(_("Say why."))
    if actor.staff is None or actor.staff.pk in _interested(appeal):
        raise AnotherPersonNeeded
    appeal.status, appeal.note = status, note.strip()[:500]
    appeal.decided_at, appeal.decided_by = at, actor.staff
    appeal.save(update_fields=["status", "note", "decided_at", "decided_by"])
    refusal = appeal.refusal
    outbox.publish([facts.RiskAppealDecided(appeal.member.external_id, str(refusal.uuid), status)], at)
    audit.record(
        actor, f"members.risk_appeals.{status}", appeal, f"{appeal}: {appeal.get_status_display()}", at, reason=note
    )
    return appeal


def _interested(appeal: RiskAppeal) -> set[int | None]:
    """Who may not decide."""
    listing = appeal.refusal.listing
    entered_by = listing.created_by_id if listing else None
    # A block that a rule has laid is the work of who put the rule in force.
    version = appeal.refusal.version or (listing.version if listing else None)
    return {appeal.filed_by_id, entered_by, version.activated_by_id if version else None}
