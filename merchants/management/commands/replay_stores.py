"""manage.py replay_stores: play Olist's orders with a membership for every store (docs/operations.md)."""

from __future__ import annotations

import datetime as dt
import sys
import time
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Sum
from django.utils import timezone

from common.services import outbox
from loyalty.services import proof
from loyalty.services.replay import envelopes, olist, opening, reports, tables
from loyalty.services.replay.bars import Bar
from loyalty.services.replay.playback import Playback
from merchants.models import Card, Store
from merchants.services import replay, replay_purses


class Command(BaseCommand):
    help = (
        "Play Olist's orders: sellers become merchants with a membership, buyers join at their first order. Resumable."
    )

    def add_arguments(self, parser):
        parser.add_argument("path", type=Path, help="The folder of tables")
        parser.add_argument("--until", type=dt.date.fromisoformat, help="Stop after this local day (YYYY-MM-DD)")
        parser.add_argument("--batch", type=int, default=1000, help="Events at a time (at most 1000)")

    def handle(self, *, path: Path, until: dt.date | None, batch: int, **options):
        if not path.is_dir():
            raise CommandError(f"There is no folder {path}.")
        started = time.monotonic()
        reader = olist.Reader(path)
        first = next(reader.events(), None)
        if first is None:
            raise CommandError(f"{path} has no order in it.")
        began = envelopes.time_of(first)
        opening.set_up(began)
        stores = replay.found_stores(row[0] for row in tables.load(path, "sellers"))
        replay_purses.fund(replay.budgets(reader.events(), until), began)
        self._play(reader, began, until, batch)
        expected = replay.expected(olist.Reader(path).events(), until)
        self._report(expected, stores, time.monotonic() - started)

    def _play(self, reader: olist.Reader, began: dt.datetime, until: dt.date | None, batch: int) -> None:
        """What is told is heard after every batch, at the events' own time."""
        bar = Bar(self.stderr, reader.share)

        def watch(playback: Playback) -> None:
            hear(began)
            bar.show(playback)

        playback = Playback(
            f"replay-stores:{reader.path.name}",
            began,
            timezone.now(),
            size=batch,
            with_nights=False,
            prepare=lambda events, at: replay.joins_first(events),
            watch=watch,
        )
        playback.play(replay.with_joins(reader.events()), until)
        hear(began)
        bar.close()
        for refusal in playback.refusals:
            self.stderr.write(f"rejected {refusal['id']}: {refusal['problem']}")

    def _report(self, expected: replay.Expected, stores: int, seconds: float) -> None:
        wrong, unbalanced = replay.differences(expected), replay_purses.differences(expected.gifts)
        sold = {store for store, _member in expected.cards}
        met = Store.objects.filter(code__in=sold, clubs__cards__isnull=False).distinct().count()
        sums = Card.objects.aggregate(**{name: Sum(name, default=0) for name in ("spent", "orders", "points")})
        now = timezone.now()
        proven = proof.prove(now, now)
        lines = [
            f"Stores: {stores:,}; {len(sold):,} sold something, {met:,} of them found members",
            f"Cards: {len(expected.cards):,}; {len(wrong):,} differ from what the orders say",
            f"Spent {sums['spent']:,} in {sums['orders']:,} orders, {sums['points']:,} points of cards",
            self._purses(unbalanced),
            *reports.proof_of(proven),
            f"{seconds:.0f} s",
        ]
        self.stdout.write("\n".join(lines))
        for line in [*wrong[:10], *unbalanced[:10]]:
            self.stderr.write(line)
        if wrong or unbalanced or met != len(sold) or not reports.is_green(proven):
            sys.exit(1)

    def _purses(self, unbalanced: list[str]) -> str:
        found = replay_purses.balances().values()
        bought, purse, pockets, wallets, used = (
            sum(getattr(balance, name) for balance in found)
            for name in ("bought", "purse", "pockets", "wallets", "used")
        )
        return (
            f"Purses: {len(found):,}; {len(unbalanced):,} do not balance or gave another sum than the orders say; bought"
            f" {bought:,} = {purse:,} in purses + {pockets:,} in pockets + {wallets:,} in wallets + {used:,} used"
        )


def hear(at: dt.datetime) -> None:
    """Hand over what was told; deliveries fall due at `at`, handlers see each fact's own time."""
    while outbox.dispatch(at) + outbox.deliver(at):
        pass
