"""Whether a popular purse is a bottleneck: 64 clients at once, in processes of their own, on PostgreSQL.

Orders are paid by an earning rule's purse within their own transaction (`Desk._fund`); gifts are what merchants' campaigns
give from pockets (`pockets.give`), here with nothing else in the transaction, which is the worst case. Every way is
compared with one where nobody shares a row, in the same run.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from benchmarks import databases

CLIENTS, PROCESSES = 64, 8
_LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_LATER = dt.datetime(2099, 1, 1, tzinfo=dt.UTC)
_PLENTY = 10**9


@dataclass(frozen=True)
class Crowd:
    """What a crowd of clients did in so many seconds; `ratio` is against the first of its kind."""

    name: str
    operations: int
    seconds: float
    ratio: float


def measure(server: str, database: str, *, each: int) -> list[Crowd]:
    """Orders and gifts, `each` for every one of 64 clients, each way on a fresh copy of `database`."""
    orders = [
        ("orders, no purse", _orders(0)),
        ("orders, each of 64 merchants pays from its purse", _orders(CLIENTS)),
        ("orders, one merchant pays for all from its purse", _orders(1)),
    ]
    gifts = [
        ("gifts, a pocket for each client", _gifts(CLIENTS, 1)),
        ("gifts, one campaign with 16 pockets", _gifts(1, 16)),
        ("gifts, one campaign with 1 pocket", _gifts(1, 1)),
    ]
    return [*_compare(server, database, orders, _order, each), *_compare(server, database, gifts, _gift, each)]


def table(crowds: list[Crowd]) -> str:
    """A Markdown table."""
    rows = [f"| {c.name} | {c.operations:,} | {c.operations / c.seconds:,.0f}/s | {c.ratio:.2f}× |" for c in crowds]
    return "\n".join(
        ["| 64 clients at once | operations | rate | time against nobody sharing |", "|---|---|---|---|", *rows]
    )


def _compare(
    server: str, database: str, ways: list, operation: Callable[[Any, int, int], None], each: int
) -> list[Crowd]:
    found: list[Crowd] = []
    for name, lay in ways:
        with databases.clone(server, database):
            seconds = _crowd(operation, lay(), each)
        first = found[0].seconds if found else seconds
        found.append(Crowd(name, CLIENTS * each, seconds, seconds / first))
    return found


def _crowd(operation: Callable[[Any, int, int], None], world: Any, each: int) -> float:
    """Seconds until the last of 64 clients has done its share; code, caches and connections are warm."""
    from django.db import connection

    # Alone first: code and caches are then warm in every process.
    operation(world, 0, -1)
    connection.close()
    context = multiprocessing.get_context("fork")
    barrier, failures = context.Barrier(CLIENTS + 1), context.SimpleQueue()
    threads = CLIENTS // PROCESSES
    workers = [
        context.Process(target=_process, args=(operation, world, number * threads, threads, each, barrier, failures))
        for number in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    # Broken by a client that could not connect: max_connections must leave room for 64.
    with suppress(threading.BrokenBarrierError):
        barrier.wait(300)
    started = time.perf_counter()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - started
    if not failures.empty():
        raise RuntimeError(failures.get())
    return seconds


def _process(operation, world, first, threads, each, barrier, failures) -> None:
    from django.db import connection

    def client(number: int) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(300)
            for turn in range(each):
                operation(world, number, turn)
        except BaseException as failure:
            failures.put(repr(failure))
            barrier.abort()
        finally:
            connection.close()

    running = [threading.Thread(target=client, args=[first + number]) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def _orders(purses: int) -> Callable[[], list[int]]:
    """A rule for each purse, for the orders of one store; without purses one rule that the platform pays."""

    def lay() -> list[int]:
        from django.db.models import F

        from loyalty.models import Campaign, EarningRule, EarningRuleVersion, RuleCondition
        from loyalty.services import rules

        EarningRuleVersion.objects.update(effective_until=F("effective_from") + dt.timedelta(days=1))
        for number in range(max(purses, 1)):
            campaign = None
            if purses:
                campaign = Campaign.objects.create(
                    code=f"c-{number}", name="c", starts_at=_LONG_AGO, ends_at=_LATER, status="active", funder=_purse()
                )
            rule = EarningRule.objects.create(code=f"hot-{number}", name="hot")
            version = EarningRuleVersion.objects.create(
                rule=rule, number=1, status="active", effective_from=_LONG_AGO, campaign=campaign
            )
            if purses > 1:
                RuleCondition.objects.create(
                    version=version, attribute="line.store", operator="is", value=f"s-{number}"
                )
        rules.changed()
        return [purses]

    return lay


def _gifts(campaigns: int, slots: int) -> Callable[[], list[list[int]]]:
    """Pockets of each campaign; client n is given by campaign n modulo their number."""

    def lay() -> list[list[int]]:
        from django.utils import timezone

        from merchants.models import Merchant
        from merchants.services import pockets, purses

        merchant = Merchant.objects.create(code="hot", name="Hot")
        purse = purses.of(merchant)
        _fill(purse.account)
        at = timezone.now()
        return [
            [pocket.pk for pocket in pockets.open(purse, 10**6, slots=slots, reference=f"c-{number}", at=at)]
            for number in range(campaigns)
        ]

    return lay


def _purse():
    from loyalty.models import Account

    account = Account.objects.create(kind=Account.Kind.PURSE)
    _fill(account)
    return account


def _fill(account) -> None:
    from django.utils import timezone

    from loyalty.models import Lot
    from loyalty.services import expiry, ledger
    from loyalty.services.ledger import Kind

    with ledger.open_book([account.pk], timezone.now()) as book:
        book.grant(
            account.pk,
            _PLENTY,
            kind=Kind.PURCHASE,
            source=Lot.Source.PURCHASE,
            reference="bought",
            expires_at=expiry.NEVER,
            funder_id=account.pk,
        )


def _order(world: list[int], client: int, turn: int) -> None:
    from django.utils import timezone

    from benchmarks import worlds
    from common.services import inbox

    at = timezone.now()
    event = {
        "specversion": "1.0",
        "id": f"hot-{client}-{turn}",
        "source": "/benchmark",
        "type": "order.completed",
        "time": at.isoformat(),
        "subject": worlds.name(client),
        "data": {
            "order": f"hot-{client}-{turn}",
            "lines": [{"line": "1", "sku": "sku", "cash": 10_000, "store": f"s-{client}"}],
        },
    }
    (result,) = inbox.receive([event], at)
    if result["status"] != "applied" or result["effects"]["points"]["earned"] != 100:
        raise RuntimeError(result)


def _gift(world: list[list[int]], client: int, turn: int) -> None:
    from django.utils import timezone

    from benchmarks import worlds
    from loyalty.models import Wallet
    from loyalty.services import ledger
    from merchants.services import pockets

    wallet = Wallet.objects.get(member__external_id=worlds.name(client))
    with ledger.open_book([wallet.account_id], timezone.now()) as book:
        pockets.give(book, world[client % len(world)], wallet.account_id, 1, reference="gift", expires_at=_LATER)
