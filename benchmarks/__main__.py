"""`python -m benchmarks`: measure the hot paths, print the tables, and write docs/performance.md if asked to."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

import django

from benchmarks import databases

DATABASE = "loyalty_benchmark"


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    if not options.server.startswith("postgres"):
        sys.exit("The benchmarks need PostgreSQL: set DATABASE_URL, or say --server postgres://…")
    # Asked to stop, it still drops its databases.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    name = f"{DATABASE}_{os.getpid()}"
    with databases.temporary(options.server, name) as url:
        os.environ["DATABASE_URL"] = url
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        django.setup()
        _run(options, name)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--server", default=os.environ.get("DATABASE_URL", ""), help="any database on the server")
    parser.add_argument("--members", type=int, default=1_000_000, help="every second one has a lot that is due")
    parser.add_argument("--few", type=int, default=1_000, help="members of the small worlds")
    parser.add_argument("--lots", type=int, default=1_000, help="lots per member of the deep world")
    parser.add_argument("--operations", type=int, default=3_000, help="single operations per path")
    parser.add_argument("--batches", type=int, default=20, help="batches of 1,000 events")
    parser.add_argument("--repeats", type=int, default=200, help="operations per price")
    parser.add_argument("--clients", type=int, default=2, help="clients, and workers of the web server")
    parser.add_argument(
        "--only",
        choices=["ingestion", "checkout", "expiry", "reviews", "scores", "redemptions", "proof", "growth", "purse"],
        help="measure one part",
    )
    parser.add_argument("--write", type=Path, help="write the page here, for example docs/performance.md")
    parser.add_argument("--date", default="", help="the date the page names")
    parser.add_argument("--machine", default="", help="the machine the page names (default: what it says of itself)")
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace, name: str) -> None:
    from benchmarks import report, results

    machine = options.machine or report.machine()
    measured = _measure_paths(options, name)
    proven = _measure_proof(options, name) if options.only in (None, "proof") else {}
    prices = _measure_growth(options, name) if options.only in (None, "growth") else []
    crowds = _measure_purse(options, name) if options.only in (None, "purse") else ""
    tables = [results.table(measured), crowds, report.price_table(prices), report.proof_words(proven)]
    sys.stdout.write("\n\n".join(filter(None, tables)) + "\n")
    if options.write:
        report.write(
            options.write,
            measured,
            prices,
            proven,
            date=options.date or "on an unnamed day",
            machine=machine,
            members=options.members,
            clients=options.clients,
        )


def _measure_paths(options: argparse.Namespace, name: str) -> list:
    from benchmarks import checkout, expiry, ingestion, redemptions, reviews, scores

    _build(name, options.members, due_lots=1)
    measured = []
    world = {"members": options.members, "clients": options.clients}
    if options.only in (None, "ingestion"):
        measured += ingestion.measure(
            options.server, name, singles=options.operations, batches=options.batches, **world
        )
    if options.only in (None, "checkout"):
        measured += checkout.measure(options.server, name, operations=options.operations, **world)
    if options.only in (None, "redemptions"):
        measured += redemptions.measure(options.server, name, operations=options.operations, **world)
    if options.only in (None, "expiry"):
        measured.append(expiry.measure(options.server, name))
    if options.only in (None, "reviews"):
        measured.append(reviews.measure(options.server, name))
    if options.only in (None, "scores"):
        measured += scores.measure(options.server, name, members=options.members)
    return measured


def _measure_proof(options: argparse.Namespace, name: str) -> dict[str, float]:
    from benchmarks import proving

    return proving.measure(options.server, name)


def _measure_purse(options: argparse.Namespace, name: str) -> str:
    from benchmarks import purse

    with databases.temporary(options.server, name):
        _build(name, max(options.few, 2 * purse.CLIENTS))
        return purse.table(purse.measure(options.server, name, each=max(options.operations // 300, 1)))


def _measure_growth(options: argparse.Namespace, name: str) -> list:
    from benchmarks import growth

    prices = growth.measure(
        options.server, name, f"{options.members:,} members", members=options.members, repeats=options.repeats
    )
    for lots in (1, options.lots):
        with databases.temporary(options.server, name):
            _build(name, options.few, lots=lots)
            world = f"{options.few:,} members" + (f" with {lots:,} lots each" if lots > 1 else "")
            prices += growth.measure(
                options.server, name, world, members=options.few, repeats=min(options.repeats, options.few // 2 - 3)
            )
    return prices


class _NoMigrations:
    """For Django: no app has any. Migrating takes half a minute a database."""

    def __contains__(self, app: str) -> bool:
        return True

    def __getitem__(self, app: str) -> None:
        return None


def _build(name: str, members: int, **lots: int) -> None:
    """Make the tables in the empty database Django points at, straight from the models, and fill it."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from benchmarks import worlds

    _say(f"building {members:,} members in {name} …")
    connection.close()
    settings.MIGRATION_MODULES = _NoMigrations()
    call_command("migrate", run_syncdb=True, verbosity=0)
    worlds.fill(members, **lots)
    connection.close()


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    main()
