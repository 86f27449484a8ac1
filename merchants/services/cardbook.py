"""The card book: cards locked for one transaction and what will be written to them.

Movements are computed in memory and written set-based when the book is closed, as the ledger does it: a batch of orders
costs a handful of statements, and one order is a batch of one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from common import clock, sql
from common.services import outbox
from merchants.facts import CardLevelChanged
from merchants.models import Card, CardEntry, CardEvent, Level
from merchants.selectors import levels

Unit = CardEntry.Unit

_FIELDS = ["status", "left_at", "spent", "orders", "points", "version", "level", "last_order_at"]


class Movement(NamedTuple):
    """One change of one balance, and why."""

    unit: str
    kind: str
    delta: int
    reference: str


class CardBook:
    """Use inside a transaction, with cards that `lock` has read; `close` writes everything."""

    def __init__(self, cards: Iterable[Card]):
        self.cards = {card.pk: card for card in cards}
        self._changed: dict[int, Card] = {}
        self._entries: list[CardEntry] = []
        self._events: list[CardEvent] = []
        self._facts: list[tuple[outbox.FactLike, dt.datetime]] = []
        self._levels: dict[dt.date, dict[int, list[Level]]] = {}

    def move(self, card: Card, movements: Iterable[Movement], at: dt.datetime) -> list[int]:
        """Move balances, in order; returns what really moved of each: a balance never falls below zero.

        A card rises at once when a balance reaches the next level; it falls by night (levels.py).
        """
        moved, grows = [], False
        for movement in movements:
            balance = getattr(card, movement.unit)
            delta = max(movement.delta, -balance)
            moved.append(delta)
            if delta:
                self.change(card, version=card.version + 1, **{movement.unit: balance + delta})
                entry = CardEntry(card=card, seq=card.version, balance_after=balance + delta, at=at)
                entry.unit, entry.kind, entry.reference = movement.unit, movement.kind, movement.reference
                entry.delta = delta
                self._entries.append(entry)
                grows = grows or (movement.unit != Unit.POINTS and delta > 0)
        if grows:
            self.rise(card, at)
        return moved

    def rise(self, card: Card, at: dt.datetime) -> None:
        """Bring a card to the level that it has reached, if that is higher (E44, E45)."""
        in_force = self.levels(card, at)
        if not in_force or card.status == Card.Status.LEFT:
            return
        scheme = in_force[0].scheme
        before, after = card.level, levels.reached(in_force, scheme.basis, card)
        if after <= before:
            return
        self.change(card, level=after)
        words = {"before": str(before), "after": str(after), "reference": f"scheme:{scheme.pk}"}
        event = CardEvent(card=card, kind=CardEvent.Kind.LEVEL, at=at, **words)
        self.tell(event, level_fact(card, before, after))

    def change(self, card: Card, **values: Any) -> None:
        """Change fields of a card that `close` writes."""
        for name, value in values.items():
            setattr(card, name, value)
        self._changed[card.pk] = card

    def tell(self, event: CardEvent, fact: outbox.FactLike) -> None:
        """Write down what happened to a card, and tell it."""
        self._events.append(event)
        self._facts.append((fact, event.at))

    def levels(self, card: Card, at: dt.datetime) -> list[Level]:
        """The levels of the card's club on a day; one query a day for all cards of the book."""
        day = clock.local_date(at)
        if day not in self._levels:
            self._levels[day] = levels.of_clubs({each.club_id for each in self.cards.values()}, day)
        return self._levels[day].get(card.club_id, [])

    def close(self) -> None:
        """Write everything, in a fixed number of statements."""
        if self._changed:
            sql.update_rows(list(self._changed.values()), _FIELDS)
        sql.insert(self._entries)
        sql.insert(self._events)
        outbox.publish_all(self._facts)


def lock(card_ids: Collection[int]) -> list[Card]:
    """Lock cards by id, with club, merchant and member; read on after this, not before."""
    rows = Card.objects.select_for_update(of=("self",)).select_related("club__merchant", "member")
    return list(rows.filter(pk__in=card_ids).order_by("pk"))


def lock_owned(owners: Collection[tuple[int, int]]) -> dict[tuple[int, int], Card]:
    """Lock the cards of pairs of (club, member), as far as there are any; by pair."""
    rows = Card.objects.filter(club__in={club for club, _ in owners}, member__in={member for _, member in owners})
    found = rows.values_list("pk", "club_id", "member_id")
    cards = lock([pk for pk, club, member in found if (club, member) in owners])
    return {(card.club_id, card.member_id): card for card in cards}


def level_fact(card: Card, before: int, after: int) -> CardLevelChanged:
    """What is told when a card, read by `lock`, came to another level."""
    return CardLevelChanged(card.member.external_id, card.club.merchant.code, str(card.club.uuid), before, after)
