"""docs/performance.md: what was measured, where, and how to measure it again."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.db import connection

from benchmarks.growth import Price
from benchmarks.results import Result, table

_TEXT = """# Performance

Written by `make bench`; measured {date} on {machine}.

## The paths, against hand-written SQL

Every line is measured against a floor in the same run: one hand-written, prepared statement a transaction that leaves the
same rows in the same tables (they are counted), without HTTP, without Django, on its own fresh copy of the same
database of {members:,} members. Over HTTP means gunicorn with {clients} workers on the loopback and {clients} clients on the
same machine; HTTP alone is what the same server takes for as many `GET /healthz`, which ask the database for nothing. Queries
are counted with the API key's own, without BEGIN, COMMIT and savepoints.

{results}

## What it costs in another world

Without HTTP, microseconds, median. The price may grow with neither the number of members nor the number of lots.

{prices}

## The proof

{proof}

## How to read it

- The floor of a single event is a whole transaction in one round trip; HTTP, the key, decoding, the checks and the rules are
  what a ratio above 1 buys. A shop that has many events sends batches.
- Expiry is the job as it runs at night: chunks of 1,000 accounts, one transaction each, their rows locked first. The floor is one
  statement over everything, which would lock every member for as long as it runs.
- Scores are counted from twenty activities a member. From nothing: daily values and scores of everybody; the settlement: twelve
  months of everybody, with snapshot and fact; the night after: every twentieth member did something, others' days enter or leave.
"""


def write(
    path: Path,
    results: Sequence[Result],
    prices: Sequence[Price],
    proven: Mapping[str, float],
    *,
    date: str,
    machine: str,
    members: int,
    clients: int,
) -> None:
    """Write the page."""
    path.write_text(
        _TEXT.format(
            date=date,
            machine=machine,
            members=members,
            clients=clients,
            results=table(results),
            prices=price_table(prices),
            proof=proof_words(proven),
        )
    )


def price_table(prices: Sequence[Price]) -> str:
    """Operations down, worlds across, as Markdown."""
    if not prices:
        return ""
    worlds = list(dict.fromkeys(price.world for price in prices))
    operations = list(dict.fromkeys(price.operation for price in prices))
    cost = {(price.operation, price.world): f"{price.microseconds:,.0f}" for price in prices}
    rows = [
        ["operation", *worlds],
        *[[operation, *(cost[operation, world] for world in worlds)] for operation in operations],
    ]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|---" * (len(worlds) + 1) + "|")
    return "\n".join(lines)


def proof_words(proven: Mapping[str, float]) -> str:
    """How long all invariants took, and which of them longest."""
    if not proven:
        return ""
    slowest = max(proven, key=lambda name: proven[name])
    return (
        f"All {len(proven)} invariants over the large world, after its expiry: {sum(proven.values()):.1f} s; "
        f"the slowest, {slowest}, {proven[slowest]:.1f} s."
    )


def machine() -> str:
    """Processor, cores, memory, Python and PostgreSQL of this machine."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (version,) = cursor.fetchone()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}, PostgreSQL {version.split()[0]}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
