"""Recorded orders with memberships: sellers become merchants with a store and a club, buyers join at their first order.

The sums that cards are compared with are added up from the events alone, with nothing of the platform in between.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from django.db import transaction

from common import clock
from loyalty.services.replay import envelopes
from merchants.models import Card, Club, ClubStore, Merchant, Store

MONEY_UNIT, GIFT_UNIT = 100, 1000
"""Minor units of cash for one point of the card, and for one point of the programme from the merchant's purse."""


@dataclass
class Figures:
    """What a card must show."""

    spent: int = 0
    orders: int = 0
    points: int = 0


@dataclass
class Expected:
    """Figures by (store, member), added up from events of orders; completed ones count, cancelled ones count no more."""

    cards: dict[tuple[str, str], Figures] = field(default_factory=dict)
    gifts: Counter[str] = field(default_factory=Counter)  # points by store, as replay_purses gives them
    _completed: dict[str, tuple[str, dict[str, int]]] = field(default_factory=dict)

    def add(self, event: dict) -> None:
        """Take one event into account; others than of orders say nothing."""
        data, member = event["data"], event["subject"]
        if event["type"] in ("order.paid", "order.completed"):
            for line in data["lines"]:
                self.cards.setdefault((line["store"], member), Figures())
        if event["type"] == "order.completed":
            cash: dict[str, int] = {}
            for line in data["lines"]:
                cash[line["store"]] = cash.get(line["store"], 0) + line["cash"]
            self._completed[data["order"]] = member, cash
            self._count(member, cash, 1)
        elif event["type"] == "order.cancelled":
            buyer, bought = self._completed.pop(data["order"], (member, {}))
            self._count(buyer, bought, -1)

    def _count(self, member: str, cash: dict[str, int], sign: int) -> None:
        for store, amount in cash.items():
            figures = self.cards[store, member]
            figures.spent += sign * amount
            figures.orders += sign
            figures.points += sign * (amount // MONEY_UNIT)
            self.gifts[store] += sign * (amount // GIFT_UNIT)


def found_stores(sellers: Iterable[str]) -> int:
    """A merchant with one store and an open membership for each code; how many stores there are. Twice is once."""
    codes = sorted(set(sellers))
    with transaction.atomic():
        Merchant.objects.bulk_create([Merchant(code=code, name=code) for code in codes], ignore_conflicts=True)
        merchants = {row.code: row for row in Merchant.objects.filter(code__in=codes)}
        Store.objects.bulk_create(
            [Store(code=code, name=code, merchant=merchants[code]) for code in codes], ignore_conflicts=True
        )
        lonely = Store.objects.filter(code__in=codes, club_stores=None).select_related("merchant")
        clubs = {
            store: Club(merchant=store.merchant, name=store.name[:60], status=Club.Status.OPEN, money_unit=MONEY_UNIT)
            for store in lonely
        }
        Club.objects.bulk_create(clubs.values())
        ClubStore.objects.bulk_create(
            [ClubStore(club=club, store=store, scope=club.scope) for store, club in clubs.items()]
        )
    return len(codes)


def with_joins(events: Iterable[dict]) -> Iterator[dict]:
    """The same events; each local day begins with the members who first buy at a store that day and join there.

    Together at the day's first instant, so that they are worked set-based.
    """
    met: set[tuple[str, str]] = set()
    for day, told in groupby(events, key=lambda event: clock.local_date(envelopes.time_of(event))):
        todays = list(told)
        for event in todays:
            for store in _stores(event):
                key = (store, event["subject"])
                if key not in met:
                    met.add(key)
                    yield _join(event, store, clock.day_start(day))
        yield from todays


def joins_first(events: list[dict]) -> list[dict]:
    """A batch of several days with all its joins at the front: who opens a card early has bought nothing there before."""
    return sorted(events, key=lambda event: event["type"] != "store.joined")


def _stores(event: dict) -> list[str]:
    """At whose stores an order buys."""
    is_order = event["type"] in ("order.paid", "order.completed")
    return sorted({line["store"] for line in event["data"]["lines"]}) if is_order else []


def expected(events: Iterable[dict], until: dt.date | None) -> Expected:
    """What the cards must show when everything up to a local day has been told."""
    found = Expected()
    for event in events:
        if until is not None and clock.local_date(envelopes.time_of(event)) > until:
            break
        found.add(event)
    return found


def budgets(events: Iterable[dict], until: dt.date | None) -> dict[str, int]:
    """What the purses of stores that sell up to a local day will have to give at most in all, by code; at least one gift."""
    found: Counter[str] = Counter()
    selling: set[str] = set()
    for event in events:
        if event["type"] == "order.completed":
            for line in event["data"]["lines"]:
                found[line["store"]] += line["cash"]
            if until is None or clock.local_date(envelopes.time_of(event)) <= until:
                selling.update(line["store"] for line in event["data"]["lines"])
    return {store: found[store] // GIFT_UNIT + 1 for store in selling}


def differences(found: Expected) -> list[str]:
    """Cards that are missing, too many, or show other figures; empty if every card is right."""
    rows = Card.objects.filter(club__stores__code__in={store for store, _member in found.cards})
    have = {
        (store, member): Figures(*figures)
        for store, member, *figures in rows.values_list(
            "club__stores__code", "member__external_id", "spent", "orders", "points"
        )
    }
    return [
        f"{key}: has {have.get(key)}, expected {found.cards.get(key)}"
        for key in sorted(have.keys() | found.cards.keys())
        if have.get(key) != found.cards.get(key)
    ]


def _join(event: dict, store: str, time: dt.datetime) -> dict:
    data = {"store": store, "channel": "replay"}
    name = f"join-{store}-{event['subject']}"
    return envelopes.seal(event["source"], name, "store.joined", event["subject"], time, data)
