"""The inbox's process for store.joined and store.left: members join and leave the memberships of a store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from functools import partial
from itertools import groupby
from typing import Annotated, Any, Literal

import msgspec
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common import decoding
from common.problems import InvalidInput, Problem
from common.services.inbox import Event, EventType, Outcome
from members.models import Consent, Member
from members.services import admission, consents, members
from members.services.profiles import is_external_id
from members.services.roll import MemberIsClosed, MemberIsMerged, UnknownMember
from merchants.models import Card, Club, ClubStore, Store
from merchants.services import cards

StoreCode = Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*(?!\n)$")]
Channel = Annotated[str, msgspec.Meta(max_length=40, pattern=r"^[^\x00-\x1f\x7f]*(?!\n)$")]
ExternalCard = Annotated[str, msgspec.Meta(max_length=60, pattern=r"^[^\x00-\x1f\x7f]*(?!\n)$")]


class UnknownStore(Problem):
    code = "unknown_store"
    status = 422
    title = _("There is no such store.")


class Joining(msgspec.Struct, frozen=True):
    """At which store, on what way (S1-29), with the brand's card if there is one, and what the member agreed to besides.

    Whoever shows the brand's card agrees to the link; `consents` names what else she agreed to, separately (PIPL 23).
    """

    store: StoreCode
    channel: Channel = ""
    external_card: ExternalCard = ""
    consents: Annotated[list[Literal["insight", "contact", "link"]], msgspec.Meta(max_length=3)] = msgspec.field(
        default_factory=list
    )


class Leaving(msgspec.Struct, frozen=True):
    store: StoreCode
    channel: Channel = ""
    external_card: ExternalCard = ""


def process(events: list[Event], at: dt.datetime) -> list[Outcome]:
    """Apply the events in order; one that is refused changes nothing and spoils no other.

    Plain joins in a row are worked together; who shows a card of the brand, agrees to something or leaves comes alone.
    """
    names = {event.subject for event in events if is_external_id(event.subject)}
    known = members.ensure(names, at, register=admission.is_open())
    _lock(known.values())
    clubs = _open_clubs({event.data.store for event in events})
    outcomes: list[Outcome] = []
    for is_plain, group in groupby(events, key=_is_plain):
        run = list(group)
        outcomes += _join_all(run, known, clubs) if is_plain else [_outcome(event, known, clubs) for event in run]
    return outcomes


def join(member: Member, joining: Joining, clubs: list[Club], store: Store, at: dt.datetime) -> list[tuple[Card, bool]]:
    """Open a card in every club of the store, and note what was agreed to; each card with whether it is new or taken up.

    A store takes part in at most one club of each scope; the member joins them all. The brand's card belongs to the
    brand's membership; where the store has none, to the one there is.
    """
    merchant = store.merchant.code
    wishes = set(joining.consents) | ({Consent.Purpose.LINK} if joining.external_card else set())
    for purpose in sorted(wishes):
        consents.give(member, purpose, merchant, joining.channel or "store", at)
    with_card = {club.pk for club in clubs if club.scope == Club.Scope.BRAND} or {club.pk for club in clubs}
    was_in = set(
        Card.objects.filter(member=member, club__in=clubs, status=Card.Status.ACTIVE).values_list("club_id", flat=True)
    )
    return [
        (
            cards.open(
                member, club, channel=joining.channel, at=at, store=store,
                external_card=joining.external_card if club.pk in with_card else "",
            ),
            club.pk not in was_in,
        )
        for club in clubs
    ]  # fmt: skip


def open_clubs(store: Store) -> list[Club]:
    """The memberships that somebody can join at a store, the narrowest first."""
    return _open_clubs({store.code}).get(store.code, (store, []))[1]


def _lock(known: Collection[Member]) -> None:
    """All members of the chunk in one order, so that two chunks at once wait and do not block each other."""
    rows = Member.objects.select_for_update(no_key=True).filter(pk__in={member.pk for member in known}).order_by("pk")
    status = dict(rows.values_list("pk", "status"))
    for member in known:
        member.status = status[member.pk]  # what we read before may have changed while we waited


_NARROWEST: dict[str, int] = {Club.Scope.SINGLE: 0, Club.Scope.JOINT: 1, Club.Scope.BRAND: 2}


def _open_clubs(codes: set[str]) -> dict[str, tuple[Store, list[Club]]]:
    found: dict[str, tuple[Store, list[Club]]] = {
        store.code: (store, []) for store in Store.objects.filter(code__in=codes).select_related("merchant")
    }
    rows = ClubStore.objects.filter(store__code__in=found, club__status=Club.Status.OPEN)
    rows = rows.select_related("club__merchant", "store")
    for row in sorted(rows, key=lambda row: _NARROWEST[row.club.scope]):
        found[row.store.code][1].append(row.club)
    return found


def _is_plain(event: Event) -> bool:
    return event.type == "store.joined" and not event.data.external_card and not event.data.consents


def _join_all(
    events: list[Event], known: dict[str, Member], clubs: dict[str, tuple[Store, list[Club]]]
) -> list[Outcome]:
    """Plain joins: all cards in a fixed number of queries."""
    openings: list[cards.Opening] = []
    found: list[Outcome | slice] = []
    for event in events:
        try:
            member, (store, open_here) = _member(event.subject, known), _at(event.data.store, clubs)
        except Problem as problem:
            found.append(Outcome.rejected(problem))
            continue
        found.append(slice(len(openings), len(openings) + len(open_here)))
        openings += [cards.Opening(member, club, store, event.data.channel, event.time) for club in open_here]
    joined = cards.open_all(openings)
    return [_joined(joined[each]) if isinstance(each, slice) else each for each in found]


def _outcome(event: Event, known: dict[str, Member], clubs: dict[str, tuple[Store, list[Club]]]) -> Outcome:
    try:
        return _VERBS[event.type](event, _member(event.subject, known), clubs)
    except Problem as problem:
        return Outcome.rejected(problem)


def _member(subject: str, known: dict[str, Member]) -> Member:
    if not is_external_id(subject):
        detail = str(_("Must be the member's external id: 1 to 100 characters, no slash."))
        raise InvalidInput(errors=[{"pointer": "/subject", "code": "invalid", "detail": detail}])
    if subject not in known:
        raise UnknownMember(member=subject)
    if known[subject].status == Member.Status.CLOSED:
        raise MemberIsClosed(member=subject)
    if known[subject].status == Member.Status.MERGED:
        raise MemberIsMerged(member=subject)
    return known[subject]


def _join(event: Event, member: Member, clubs: dict[str, tuple[Store, list[Club]]]) -> Outcome:
    store, open_here = _at(event.data.store, clubs)
    with transaction.atomic():  # a refusal half-way leaves nothing behind
        return _joined(join(member, event.data, open_here, store, event.time) if open_here else [])


def _joined(opened: list[tuple[Card, bool]]) -> Outcome:
    if not opened:
        return Outcome.ignored("no_membership")
    effects = {"stores": [_effect(card, is_news) for card, is_news in opened]}
    if any(is_news for _card, is_news in opened):
        return Outcome.applied(effects)
    return Outcome.ignored("already_joined", effects)


def _leave(event: Event, member: Member, clubs: dict[str, tuple[Store, list[Club]]]) -> Outcome:
    store, _open_here = _at(event.data.store, clubs)
    rows = Card.objects.filter(member=member, status=Card.Status.ACTIVE, club__stores=store).order_by("pk")
    left = [card for card in rows.select_related("club") if cards.leave(card, at=event.time)]
    if not left:
        return Outcome.ignored("not_joined")
    return Outcome.applied({"stores": [{"membership": str(card.club.uuid), "left": True} for card in left]})


def _at(code: str, clubs: dict[str, tuple[Store, list[Club]]]) -> tuple[Store, list[Club]]:
    if code not in clubs:
        raise UnknownStore(store=code)
    return clubs[code]


def _effect(card: Card, is_news: bool) -> dict[str, Any]:
    return {
        "membership": str(card.club.uuid),
        "name": card.club.name,
        "joined": is_news,
        "level": card.level,
        "points": card.points,
    }


_VERBS = {"store.joined": _join, "store.left": _leave}


def _decode(type: type, data: Any) -> Any:
    return decoding.convert(data, type)


def event_types() -> list[EventType]:
    """What the app registers with the inbox."""
    return [
        EventType("store.joined", partial(_decode, Joining), process),
        EventType("store.left", partial(_decode, Leaving), process),
    ]
