"""manage.py replay: play recorded orders through the platform (docs/operations.md)."""

from __future__ import annotations

import datetime as dt
import hashlib
import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from loyalty.services import proof
from loyalty.services.replay import envelopes, olist, online_retail, opening, reports, summaries
from loyalty.services.replay.bars import Bar
from loyalty.services.replay.playback import Playback

READERS = {reader.NAME: reader for reader in (online_retail, olist)}


class Command(BaseCommand):
    help = (
        "Play a file of real orders through the platform, with the orders' own time as the clock. Goes on after a stop."
    )

    def add_arguments(self, parser):
        parser.add_argument("path", type=Path, help="The file, or the folder of tables")
        parser.add_argument("--format", required=True, choices=sorted(READERS))
        parser.add_argument("--until", type=dt.date.fromisoformat, help="Stop after this local day (YYYY-MM-DD)")
        parser.add_argument("--batch", type=int, default=500, help="Events at a time (at most 1000)")
        parser.add_argument("--no-jobs", action="store_true", help="Do not run the nightly jobs as the days pass")

    def handle(self, *, path: Path, format: str, until: dt.date | None, batch: int, no_jobs: bool, **options):
        if not path.exists():
            raise CommandError(f"There is no {path}.")
        if not 1 <= batch <= 1000:
            raise CommandError("A batch has 1 to 1000 events.")
        source = READERS[format]
        reader = source.Reader(path)
        first = next(reader.events(), None)
        if first is None:
            raise CommandError(f"{path} has no order in it.")
        began = envelopes.time_of(first)
        if opening.set_up(began):
            self.stdout.write(
                "The programme had no earning rules: 1 point per unit of money and 20 per review from now on."
            )
        bar = Bar(self.stderr, reader.share)
        playback = Playback(
            _job(format, path), began, timezone.now(), size=batch, with_nights=not no_jobs, watch=bar.show
        )
        if playback.resumed_at:
            self.stdout.write(f"Going on after {playback.resumed_at:,} events.")
        self._play(playback, reader, until, bar)
        self._report(playback, reader, source.SOURCE)

    def _play(self, playback: Playback, reader, until: dt.date | None, bar: Bar) -> None:
        try:
            playback.play(reader.events(), until)
        except KeyboardInterrupt:
            bar.close()
            self.stdout.write(f"Stopped after {playback.counts['events']:,} events. Run it again to go on.")
            sys.exit(130)
        bar.close()

    def _report(self, playback: Playback, reader, source: str) -> None:
        now = timezone.now()
        proven = proof.prove(now, now)
        events = summaries.events(source)
        lines = [
            *reports.rows_of(reader.tally),
            *reports.events_of(events, playback),
            *reports.points_of(summaries.points()),
            *reports.tiers_of(summaries.tiers()),
            *reports.proof_of(proven),
        ]
        self.stdout.write("\n".join(lines))
        for refusal in playback.refusals:
            self.stderr.write(f"rejected {refusal['id']}: {refusal['problem']}")
        if events.rejected or not reports.is_green(proven):
            sys.exit(1)


def _job(name: str, path: Path) -> str:
    """The same file (by name and size) is the same job, wherever it lies."""
    size = sum(part.stat().st_size for part in path.iterdir()) if path.is_dir() else path.stat().st_size
    return f"replay:{name}:{hashlib.sha256(f'{path.name}:{size}'.encode()).hexdigest()[:12]}"
