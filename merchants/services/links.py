"""The brand's own members meet the platform's, by the brand's card or a phone's digest, never without consent (S1-27)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.problems import InvalidInput, Problem
from common.services import audit
from members.models import Consent, Identity, Member
from members.selectors import consents
from merchants.models import BrandMember, Card, CardEntry, Club
from merchants.services import cards

Status, Reason = BrandMember.Status, BrandMember.Reason


class NoConflict(Problem):
    """Only what is in conflict, or still waits, can be decided."""

    code = "no_conflict"
    status = 409
    title = _("There is nothing to decide here.")


class NoConsent(Problem):
    """Nobody, operators included, links a member who did not agree to it."""

    code = "no_consent"
    status = 409
    title = _("The member has not agreed to be linked with this merchant's membership.")


class Line(NamedTuple):
    """One member of the brand, as the merchant's file says; the phone only as its digest."""

    external_card: str
    phone_digest: str = ""
    source: str = BrandMember.Source.OFFLINE
    level_name: str = ""
    points: int = 0


def take_in(club: Club, lines: Collection[Line], *, actor: audit.Actor, at: dt.datetime) -> list[BrandMember]:
    """Keep a file of the brand's members and match them; a card that is known already is brought up to date while it waits.

    Points of one who is linked were taken over already and do not change. Raises InvalidInput if the club is no brand's.
    """
    if club.scope != Club.Scope.BRAND:
        raise InvalidInput(_("Only a brand's membership has members outside the platform."))
    with transaction.atomic():
        names = {line.external_card: line for line in lines}
        known = BrandMember.objects.select_for_update().filter(club=club, external_card__in=names).order_by("pk")
        old = {row.external_card: row for row in known}
        waiting = [row for row in old.values() if row.status in (Status.WAITING, Status.CONFLICT)]
        for row in waiting:
            _fill(row, names[row.external_card], at)
        BrandMember.objects.bulk_update(
            waiting, ["phone_digest", "source", "level_name", "points", "imported_at", "status", "reason"]
        )
        new = [_fill(BrandMember(club=club, external_card=name), names[name], at) for name in names if name not in old]
        BrandMember.objects.bulk_create(new, batch_size=1000)
        summary = gettext("Imported %(count)d members of the brand for %(club)s") % {"count": len(names), "club": club}
        audit.record(actor, "merchants.links.take_in", club, summary, at)
        rows = [*waiting, *new]
        match(club, rows, at)
        return rows


def match_member(member: Member, at: dt.datetime) -> int:
    """Match whom waits for this member: she joined, agreed, or her phone became known. How many were linked."""
    recipients = [name for purpose, name in consents.open_of(member) if purpose == Consent.Purpose.LINK]
    if not recipients:
        return 0
    digests = list(Identity.objects.filter(member=member, kind=Identity.Kind.PHONE).values_list("digest", flat=True))
    own = Card.objects.filter(member=member, club__merchant__code__in=recipients).exclude(external_card="")
    open_rows = BrandMember.objects.filter(club__merchant__code__in=recipients, status=Status.WAITING)
    open_rows = open_rows.select_related("club__merchant")
    found = list(open_rows.filter(phone_digest__in=digests)) if digests else []
    for club_id, external_card in own.values_list("club_id", "external_card"):
        found += open_rows.filter(club=club_id, external_card=external_card)
    by_club: dict[int, dict[int, BrandMember]] = defaultdict(dict)
    for row in found:
        by_club[row.club_id][row.pk] = row
    return sum(match(next(iter(rows.values())).club, rows.values(), at) for rows in by_club.values())


def match(club: Club, rows: Iterable[BrandMember], at: dt.datetime) -> int:
    """Link each waiting row with the one member it points to, or say why not; a fixed number of questions.

    The brand's card counts first: who bears it is the one. A phone that several consenting members bear, or that points to
    another member than the card, is a conflict for an operator. How many were linked.
    """
    rows = [row for row in rows if row.status == Status.WAITING]
    if not rows or club.status != Club.Status.OPEN:
        return 0
    with transaction.atomic():
        agreed = consents.members_with(Consent.Purpose.LINK, club.merchant.code)
        active = Member.objects.filter(status=Member.Status.ACTIVE, pk__in=agreed)
        bearers = _bearers(club, rows, active)
        holders = _holders(rows, active)
        linked = 0
        for row in rows:
            member, reason = _decide(row, bearers.get(row.external_card), holders.get(row.phone_digest, []))
            if reason:
                _conflict(row, reason)
            elif member is not None:
                linked += _link(row, member, at)
        return linked


def unlink(member: Member, merchant_code: str, at: dt.datetime) -> int:
    """The member takes the consent back: the brand's card is hers no more and waits for a consent again; how many.

    Points that were taken over stay hers, and are not taken over twice.
    """
    with transaction.atomic():
        rows = BrandMember.objects.select_for_update(of=("self",)).filter(
            card__member=member, club__merchant__code=merchant_code, status=Status.LINKED
        )
        for row in rows.order_by("pk"):
            assert row.card is not None
            (card,) = cards.lock([row.card.pk])
            cards.unlink(card, at)
            row.status, row.card = Status.WAITING, None
            row.save(update_fields=["status", "card"])
        return len(rows)


def resolve(
    row: BrandMember, member: Member | None, *, actor: audit.Actor, reason: str, at: dt.datetime
) -> BrandMember:
    """An operator decides a conflict: this member, or nobody. The member must have agreed.

    Raises NoConflict, NoConsent, ExternalCardTaken and what `cards.open` raises.
    """
    with transaction.atomic():
        row = BrandMember.objects.select_for_update(of=("self",)).select_related("club__merchant").get(pk=row.pk)
        if row.status not in (Status.CONFLICT, Status.WAITING):
            raise NoConflict
        row.decided_at, row.decided_by = at, actor.staff
        if member is None:
            row.status, row.reason = Status.REFUSED, ""
            row.save(update_fields=["status", "reason", "decided_at", "decided_by"])
            summary = gettext("Refused to link %s") % row
        else:
            if not consents.has(member, Consent.Purpose.LINK, row.club.merchant.code):
                raise NoConsent
            _attach(row, member, at)
            summary = gettext("Linked %(card)s with %(member)s") % {"card": row, "member": member}
        audit.record(actor, "merchants.links.resolve", row, summary, at, reason=reason)
        return row


def candidates(row: BrandMember) -> list[Member]:
    """The consenting members whom the row may mean, for the operator who decides; at most fifty."""
    agreed = consents.members_with(Consent.Purpose.LINK, row.club.merchant.code)
    active = Member.objects.filter(status=Member.Status.ACTIVE, pk__in=agreed)
    by_card = active.filter(cards__club=row.club, cards__external_card=row.external_card)
    bearers = Identity.objects.filter(kind=Identity.Kind.PHONE, digest=row.phone_digest).values("member")
    by_phone = active.filter(pk__in=bearers) if row.phone_digest else active.none()
    found = {member.pk: member for member in [*by_card, *by_phone.order_by("pk")[:50]]}
    return list(found.values())


def _fill(row: BrandMember, line: Line, at: dt.datetime) -> BrandMember:
    row.phone_digest, row.source, row.level_name = line.phone_digest, line.source, line.level_name
    row.points, row.imported_at, row.status, row.reason = line.points, at, Status.WAITING, ""
    return row


def _bearers(club: Club, rows: list[BrandMember], active) -> dict[str, Member]:
    """Who bears the brand's cards in this club, by card."""
    names = [row.external_card for row in rows]
    found = Card.objects.filter(club=club, external_card__in=names, member__in=active).select_related("member")
    return {card.external_card: card.member for card in found}


def _holders(rows: list[BrandMember], active) -> dict[str, list[Member]]:
    """Who has the phones, by digest."""
    digests = {row.phone_digest for row in rows if row.phone_digest}
    found = Identity.objects.filter(kind=Identity.Kind.PHONE, digest__in=digests, member__in=active)
    holders: dict[str, list[Member]] = defaultdict(list)
    for identity in found.select_related("member").order_by("member_id"):
        holders[identity.digest].append(identity.member)
    return holders


def _decide(row: BrandMember, bearer: Member | None, holders: list[Member]) -> tuple[Member | None, str]:
    if bearer is not None:
        others = bool(holders) and bearer.pk not in {member.pk for member in holders}
        return (None, Reason.OTHER_MEMBER) if others else (bearer, "")
    if len(holders) > 1:
        return None, Reason.SEVERAL
    return (holders[0], "") if holders else (None, "")


def _link(row: BrandMember, member: Member, at: dt.datetime) -> bool:
    try:
        with transaction.atomic():
            _attach(row, member, at)
    except cards.ExternalCardTaken:
        _conflict(row, Reason.OTHER_CARD)
        return False
    return True


def _attach(row: BrandMember, member: Member, at: dt.datetime) -> None:
    """Open the member's card if there is none (the consent covers it), note the brand's card, take its points over once."""
    card = cards.open(member, row.club, channel=row.source, at=at, external_card=row.external_card)
    if BrandMember.objects.filter(card=card).exclude(pk=row.pk).exists():
        raise cards.ExternalCardTaken
    row.status, row.reason, row.card = Status.LINKED, "", card
    row.save(update_fields=["status", "reason", "card", "decided_at", "decided_by"])
    (card,) = cards.lock([card.pk])
    reference = f"brand:{row.uuid}"
    if row.points and not card.entries.filter(kind=CardEntry.Kind.ADJUST, reference=reference).exists():
        cards.post(card, CardEntry.Unit.POINTS, CardEntry.Kind.ADJUST, row.points, reference, at)


def _conflict(row: BrandMember, reason: str) -> None:
    row.status, row.reason = Status.CONFLICT, reason
    row.save(update_fields=["status", "reason"])
