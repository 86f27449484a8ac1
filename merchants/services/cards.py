"""Cards are opened and left, and their balances move; the card's row is the lock of all that is on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from common.problems import Problem
from common.services import outbox
from members.models import Member
from members.services.roll import MemberIsClosed, MemberIsMerged
from merchants.facts import CardLeft, CardOpened
from merchants.models import Card, CardEntry, CardEvent, Club, Store
from merchants.services import cardbook
from merchants.services.cardbook import CardBook, Movement, level_fact, lock

__all__ = ["CardBook", "Movement", "leave", "level_fact", "link", "lock", "move", "open", "post", "unlink"]

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
        ((card, _is_news),) = open_all([Opening(member, club, store, channel, at)])
        if external_card:
            link(card, external_card, at)
        return card


class Opening(NamedTuple):
    """A member joins an open club: where, on what way, and when."""

    member: Member
    club: Club
    store: Store | None
    channel: str
    at: dt.datetime

    @property
    def owner(self) -> tuple[int, int]:
        return self.club.pk, self.member.pk


def open_all(openings: Sequence[Opening]) -> list[tuple[Card, bool]]:
    """Open cards or take them up again, as `open` does, for members that the caller has locked and found active.

    Each card with whether its member was not in before. A fixed number of queries; use inside a transaction.
    """
    held = cardbook.lock_owned({opening.owner for opening in openings})
    new = {
        opening.owner: Card(
            club=opening.club, member=opening.member, store=opening.store, channel=opening.channel[:40],
            joined_at=opening.at,
        )
        for opening in reversed(openings)
        if opening.owner not in held
    }  # fmt: skip
    if new:
        # What another request has made meanwhile is found instead.
        Card.objects.bulk_create(new.values(), ignore_conflicts=True)
        held |= cardbook.lock_owned(new.keys())
    ours = {owner for owner, card in new.items() if held[owner].uuid == card.uuid}
    book = CardBook(held.values())
    opened = []
    for opening in openings:
        card = held[opening.owner]
        opened.append((card, _enter(book, card, opening, is_new=opening.owner in ours)))
        ours.discard(opening.owner)
    book.close()
    return opened


def _enter(book: CardBook, card: Card, opening: Opening, *, is_new: bool) -> bool:
    """Welcome a member on a card; False if she was in."""
    at, club = opening.at, card.club
    if is_new and club.welcome_points and not card.member.has_returned:
        book.move(card, [Movement(Unit.POINTS, Kind.WELCOME, club.welcome_points, "welcome")], at)
    if not is_new:
        if card.status == Card.Status.ACTIVE:
            return False
        book.change(card, status=Card.Status.ACTIVE, left_at=None)
        book.rise(card, at)
    kind = Happened.JOINED if is_new else Happened.RETURNED
    event = CardEvent(card=card, kind=kind, channel=opening.channel[:40], store=opening.store, at=at)
    fact = CardOpened(
        key=card.member.external_id,
        merchant=club.merchant.code,
        club=str(club.uuid),
        store=opening.store.code if opening.store else "",
        channel=opening.channel,
        returned=not is_new or card.member.has_returned,
    )
    book.tell(event, fact)
    return True


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


def post(card: Card, unit: str, kind: str, delta: int, reference: str, at: dt.datetime) -> int:
    """Move one balance of a locked card; returns what really moved: a balance never falls below zero."""
    return move(card, [Movement(unit, kind, delta, reference)], at)[0]


def move(card: Card, movements: Iterable[Movement], at: dt.datetime) -> list[int]:
    """Move balances of one locked card, in order; returns what really moved of each."""
    book = CardBook([card])
    moved = book.move(card, movements, at)
    book.close()
    return moved


def _check_member(member: Member) -> None:
    """The member is still active, and stays so until we commit: closing waits for this lock."""
    status = Member.objects.select_for_update(no_key=True).filter(pk=member.pk).values_list("status", flat=True).get()
    if status == Member.Status.CLOSED:
        raise MemberIsClosed(member=member.external_id)
    if status == Member.Status.MERGED:
        raise MemberIsMerged(member=member.external_id)


def link(card: Card, external_card: str, at: dt.datetime) -> None:
    """Note the brand's card on a locked card that has none. Raises ExternalCardTaken."""
    if card.external_card == external_card:
        return
    if card.external_card:
        raise ExternalCardTaken
    if Card.objects.filter(club=card.club, external_card=external_card).exists():
        raise ExternalCardTaken
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
