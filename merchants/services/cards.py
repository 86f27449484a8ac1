"""Cards are opened and left, and their balances move; the card's row is the lock of all that is on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from common.problems import Problem
from common.services import outbox
from members.models import Member
from members.services.roll import MemberIsClosed, MemberIsMerged
from merchants.facts import CardLeft, CardLevelChanged, CardOpened
from merchants.models import Card, CardEntry, CardEvent, Club, Store
from merchants.selectors import levels

Unit, Kind, Happened = CardEntry.Unit, CardEntry.Kind, CardEvent.Kind


class ClubNotOpen(Problem):
    """A membership that is a draft, is winding down or has closed takes nobody in."""

    code = "membership_not_open"
    status = 409
    title = _("This membership takes nobody in.")


class StoreNotInClub(Problem):
    code = "store_not_in_membership"
    status = 422
    title = _("The store does not take part in this membership.")


class ExternalCardTaken(Problem):
    """The brand's card is another member's, or the member has another one."""

    code = "external_card_taken"
    status = 409
    title = _("This card of the brand is linked with another membership card.")


class Movement(NamedTuple):
    """One change of one balance, and why."""

    unit: str
    kind: str
    delta: int
    reference: str


def open(
    member: Member, club: Club, *, channel: str, at: dt.datetime, store: Store | None = None, external_card: str = ""
) -> Card:
    """The member joins: opens a card, or comes back to the one she left; an open card stays as it is.

    The opening gift is given once in a lifetime. Where the member came from is kept (domain.md S1-29). Two at once open
    one. Raises ClubNotOpen, StoreNotInClub, ExternalCardTaken, MemberIsClosed, MemberIsMerged.
    """
    with transaction.atomic():
        _check_member(member)
        if club.status != Club.Status.OPEN:
            raise ClubNotOpen
        if store and not club.club_stores.filter(store=store).exists():
            raise StoreNotInClub
        card = Card.objects.select_for_update(of=("self",)).filter(club=club, member=member).first()
        if card is None:
            card, is_new = _make(member, club, channel, store, external_card, at)
            if is_new:
                return card
        card.club, card.member = club, member
        if external_card:
            link(card, external_card, at)
        if card.status == Card.Status.LEFT:
            _come_back(card, channel, store, at)
        return card


def leave(card: Card, *, at: dt.datetime, reference: str = "") -> bool:
    """The member leaves; the card's row and history stay. Whether she was in. Runs in a transaction of its own or yours."""
    with transaction.atomic():
        (card,) = lock([card.pk])
        if card.status == Card.Status.LEFT:
            return False
        card.status, card.left_at = Card.Status.LEFT, max(at, card.joined_at)
        card.save(update_fields=["status", "left_at"])
        CardEvent.objects.create(card=card, kind=Happened.LEFT, reference=reference, at=at)
        outbox.publish([CardLeft(card.member.external_id, card.club.merchant.code, str(card.club.uuid))], at)
        return True


def lock(card_ids: Collection[int]) -> list[Card]:
    """Lock cards by id, with club, merchant and member; read on after this, not before."""
    rows = Card.objects.select_for_update(of=("self",)).select_related("club__merchant", "member")
    return list(rows.filter(pk__in=card_ids).order_by("pk"))


def post(card: Card, unit: str, kind: str, delta: int, reference: str, at: dt.datetime) -> int:
    """Move one balance of a locked card; returns what really moved: a balance never falls below zero."""
    return move(card, [Movement(unit, kind, delta, reference)], at)[0]


def move(card: Card, movements: Iterable[Movement], at: dt.datetime) -> list[int]:
    """Move balances of a locked card, in order; returns what really moved of each. Three statements, however many.

    A card rises at once when a balance reaches the next level; it falls by night (levels.py).
    """
    entries, moved = [], []
    for movement in movements:
        balance = getattr(card, movement.unit)
        delta = max(movement.delta, -balance)
        moved.append(delta)
        if delta:
            setattr(card, movement.unit, balance + delta)
            card.version += 1
            entry = CardEntry(card=card, seq=card.version, balance_after=balance + delta, at=at)
            entry.unit, entry.kind, entry.reference = movement.unit, movement.kind, movement.reference
            entry.delta = delta
            entries.append(entry)
    if entries:
        CardEntry.objects.bulk_create(entries)
        if any(entry.unit != Unit.POINTS and entry.delta > 0 for entry in entries):
            rise(card, at)
        card.save(update_fields=["spent", "orders", "points", "version", "level", "last_order_at"])
    return moved


def rise(card: Card, at: dt.datetime) -> bool:
    """Bring a locked card (in memory) to the level that it has reached, if that is higher (E44, E45)."""
    in_force = levels.in_force(card.club_id, at)
    if not in_force or card.status == Card.Status.LEFT:
        return False
    after = levels.reached(in_force, in_force[0].scheme.basis, card)
    if after <= card.level:
        return False
    note_level(card, after, f"scheme:{in_force[0].scheme_id}", at)
    return True


def note_level(card: Card, after: int, reference: str, at: dt.datetime) -> None:
    """Put a card (in memory) on another level, write it down and tell."""
    before, card.level = card.level, after
    words = {"before": str(before), "after": str(after), "reference": reference}
    CardEvent.objects.create(card=card, kind=Happened.LEVEL, at=at, **words)
    outbox.publish([level_fact(card, before, after)], at)


def level_fact(card: Card, before: int, after: int) -> CardLevelChanged:
    """What is told when a card, read by `lock`, came to another level."""
    return CardLevelChanged(card.member.external_id, card.club.merchant.code, str(card.club.uuid), before, after)


def _check_member(member: Member) -> None:
    """The member is still active, and stays so until we commit: closing waits for this lock."""
    status = Member.objects.select_for_update(no_key=True).filter(pk=member.pk).values_list("status", flat=True).get()
    if status == Member.Status.CLOSED:
        raise MemberIsClosed(member=member.external_id)
    if status == Member.Status.MERGED:
        raise MemberIsMerged(member=member.external_id)


def _make(
    member: Member, club: Club, channel: str, store: Store | None, external_card: str, at: dt.datetime
) -> tuple[Card, bool]:
    """A new card with its opening gift; False if another request made it meanwhile."""
    if external_card:
        _check_free(club, external_card)
    try:
        with transaction.atomic():
            card = Card.objects.create(
                club=club, member=member, store=store, channel=channel[:40], external_card=external_card, joined_at=at
            )
    except IntegrityError:
        other = Card.objects.select_for_update(of=("self",)).filter(club=club, member=member).first()
        if other is None:
            raise ExternalCardTaken from None
        return other, False
    if club.welcome_points and not member.has_returned:
        move(card, [Movement(Unit.POINTS, Kind.WELCOME, club.welcome_points, "welcome")], at)
    _tell_joined(card, Happened.JOINED, channel, store, at)
    return card, True


def _come_back(card: Card, channel: str, store: Store | None, at: dt.datetime) -> None:
    card.status, card.left_at = Card.Status.ACTIVE, None
    rise(card, at)
    card.save(update_fields=["status", "left_at", "level"])
    _tell_joined(card, Happened.RETURNED, channel, store, at)


def _tell_joined(card: Card, kind: str, channel: str, store: Store | None, at: dt.datetime) -> None:
    CardEvent.objects.create(card=card, kind=kind, channel=channel[:40], store=store, at=at)
    club = card.club
    outbox.publish(
        [
            CardOpened(
                key=card.member.external_id,
                merchant=club.merchant.code,
                club=str(club.uuid),
                store=store.code if store else "",
                channel=channel,
                returned=kind == Happened.RETURNED or card.member.has_returned,
            )
        ],
        at,
    )


def link(card: Card, external_card: str, at: dt.datetime) -> None:
    """Note the brand's card on a locked card that has none. Raises ExternalCardTaken."""
    if card.external_card == external_card:
        return
    if card.external_card:
        raise ExternalCardTaken
    _check_free(card.club, external_card)
    card.external_card = external_card
    try:
        with transaction.atomic():
            card.save(update_fields=["external_card"])
    except IntegrityError:
        raise ExternalCardTaken from None
    CardEvent.objects.create(card=card, kind=Happened.LINKED, after=external_card, at=at)


def unlink(card: Card, at: dt.datetime) -> None:
    """Forget the brand's card on a locked card."""
    CardEvent.objects.create(card=card, kind=Happened.UNLINKED, before=card.external_card, at=at)
    card.external_card = ""
    card.save(update_fields=["external_card"])


def _check_free(club: Club, external_card: str) -> None:
    if Card.objects.filter(club=club, external_card=external_card).exists():
        raise ExternalCardTaken
