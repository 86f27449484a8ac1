"""Whether the price of an operation grows with the number of members, or with the number of a member's lots."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from benchmarks import databases, ingestion, worlds
from common.services import inbox
from loyalty.models import Wallet
from loyalty.selectors import balances
from loyalty.services import holds
from loyalty.services.tenders import Payable


@dataclass(frozen=True)
class Price:
    """Microseconds that an operation costs in one world, without HTTP: the median of many."""

    operation: str
    world: str
    microseconds: float


def measure(server: str, database: str, world: str, *, members: int, repeats: int) -> list[Price]:
    """Price a batch, a single event, a balance and a hold on a fresh copy of `database`."""
    with databases.clone(server, database):
        return [
            Price("event of a batch of 1,000", world, _median(3, _batches(members)) / ingestion.BATCH),
            Price("single event", world, _median(repeats, _singles(members))),
            Price("balance", world, _median(repeats, _balance)),
            Price("hold", world, _median(repeats, _hold)),
        ]


def _median(repeats: int, operation: Callable[[int], None]) -> float:
    seconds = []
    for number in range(repeats + 3):
        started = time.perf_counter()
        operation(number)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[3:]) * 1e6


def _batches(members: int) -> Callable[[int], None]:
    return lambda number: _receive([ingestion.event(10**6 * (number + 1) + n, members) for n in range(ingestion.BATCH)])


def _singles(members: int) -> Callable[[int], None]:
    return lambda number: _receive([ingestion.event(number, members)])


def _receive(events: list[dict]) -> None:
    results = inbox.receive(events, timezone.now())
    if any(result["status"] != "applied" for result in results):
        raise RuntimeError(results[0])


def _balance(number: int) -> None:
    wallet = Wallet.objects.select_related("account").get(member__external_id=worlds.name(number))
    balances.of(wallet.account, timezone.now())


def _hold(number: int) -> None:
    with transaction.atomic():
        holds.place(worlds.name(number), 1000, order_code=f"h-{number}", lines=[Payable("1", 5000)], at=timezone.now())
