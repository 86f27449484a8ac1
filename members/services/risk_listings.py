"""The deny-list and the allow-list: entered with a reason, lifted; an entry is never changed or deleted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from common.problems import InvalidInput, Problem
from common.services import audit
from members.models import Member, RiskListing
from members.models.risk_words import FACTS, Action
from members.services import identities, members, risk_guards

By = RiskListing.By


class NotInForce(Problem):
    """The entry has ended."""

    code = "listing_ended"
    status = 409
    title = _("This entry has ended before.")


def describe(by: str, name: str) -> tuple[str, Member | None]:
    """By what an entry knows its subject: a member's external id, or the digest of a device, an address or a phone.

    Raises InvalidInput (no such member, no phone number).
    """
    if by == By.MEMBER:
        member = Member.objects.filter(external_id=name).select_related("merged_into").first()
        if member is None:
            raise InvalidInput(_("No such member: %s") % name)
        member = members.remaining(member)
        return member.external_id, member
    if by == By.PHONE:
        digest = identities.digest(name)
        if digest is None:
            raise InvalidInput(_("This is no phone number."))
        return digest, None
    return identities.mark(by, name), None


@transaction.atomic
def enter(listing: RiskListing, actor: audit.Actor, at: dt.datetime) -> RiskListing:
    """Put somebody or something on a list. Raises InvalidInput (it ends before it begins, or nobody says why)."""
    return enter_all([listing], actor, at)[0]


@transaction.atomic
def enter_all(listings: Sequence[RiskListing], actor: audit.Actor, at: dt.datetime) -> list[RiskListing]:
    """Enter many at once, all or none; two statements and one line in the log."""
    for listing in listings:
        _check(listing)
        listing.created_by = actor.staff
    made = RiskListing.objects.bulk_create(listings)
    risk_guards.changed()
    one = made[0] if len(made) == 1 else None
    summary = str(one) if one else _("%d entries") % len(made)
    audit.record(actor, "members.risk_listings.enter", one, summary, at, reason=one.reason if one else "")
    return made


def _check(listing: RiskListing) -> None:
    if not listing.reason.strip():
        raise InvalidInput(_("Say why."))
    if listing.ends_at is not None and listing.ends_at <= listing.starts_at:
        raise InvalidInput(_("The end comes after the start."))
    if unknown := set(listing.actions) - (set(Action.values) - FACTS):
        raise InvalidInput(_("Nothing of this name is guarded: %s") % ", ".join(sorted(unknown)))


@transaction.atomic
def lift(listing: RiskListing, actor: audit.Actor, at: dt.datetime, *, reason: str = "") -> RiskListing:
    """End an entry now; the row stays. Raises NotInForce."""
    listing = RiskListing.objects.select_for_update(of=("self",)).get(pk=listing.pk)
    if listing.ends_at is not None and listing.ends_at <= at:
        raise NotInForce
    listing.ends_at, listing.lifted_by = max(at, listing.starts_at), actor.staff
    listing.save(update_fields=["ends_at", "lifted_by"])
    risk_guards.changed()
    audit.record(actor, "members.risk_listings.lift", listing, _("Lifted: %s") % listing, at, reason=reason)
    return listing


def of(member: Member, at: dt.datetime) -> QuerySet[RiskListing]:
    """What lists a member by name, in force at an instant."""
    return RiskListing.objects.in_force(at).filter(member=member)


def follow(source: Member, target: Member, at: dt.datetime) -> None:
    """After a merge, what denies or allows the one counts for who remains; it stays there if they are parted again."""
    moved = RiskListing.objects.in_force(at).filter(member=source).update(member=target, subject=target.external_id)
    if moved:
        risk_guards.changed()
