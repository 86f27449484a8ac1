"""manage.py demo: a programme to look at, with a year behind it."""

from __future__ import annotations

import datetime as dt
import sys

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from common.models import JobRun
from common.services import inbox
from config.demo import (
    benefits,
    catalogue,
    checkouts,
    games,
    journal,
    merchants,
    plans,
    programme,
    rewards,
    risk,
    staff,
    stories,
)
from loyalty.services import proof
from loyalty.services.replay import reports, summaries
from loyalty.services.replay.bars import Bar
from loyalty.services.replay.playback import Playback

FOUNDERS_AT_ONCE = 500
PLAYERS = 60
"""How many members play the demo's games."""


class Command(BaseCommand):
    help = "Fill an empty database with a demo programme and a year of invented orders. Run again, it goes on or does nothing."

    def add_arguments(self, parser):
        parser.add_argument("--members", type=int, default=400)
        parser.add_argument("--days", type=int, default=365)
        parser.add_argument(
            "--end", type=dt.datetime.fromisoformat, help="When the year ends (ISO, with zone); default: now"
        )

    def handle(self, *, members: int, days: int, end: dt.datetime | None, **options):
        now = timezone.now()
        job = f"demo:{members}x{days}"
        known = JobRun.objects.filter(job__startswith="demo:").first()
        if known is not None and known.job != job:
            raise CommandError("This database holds a demo of another size. Take an empty one.")
        # Once begun, the year ends where it ended first: run again tomorrow, the same events are told.
        end = known.as_of if known else end or now
        if end > now:
            raise CommandError("The year must not end in the future.")
        self._fill(job, stories.write(members, days, end), now)

    def _fill(self, job: str, story: stories.Story, now: dt.datetime) -> None:
        catalogue.open_stores()
        sign_ins = staff.hire()
        author, approver = staff.find("olivia"), staff.find("felix")
        programme.set_up(story.start, story.end, author, approver)
        for first in range(0, len(story.journal.founders), FOUNDERS_AT_ONCE):
            inbox.receive(story.journal.founders[first : first + FOUNDERS_AT_ONCE], story.start)
        programme.enrol(story.people, story.start, story.end)
        playback = self._play(job, story, now)
        programme.enrol(story.people, story.start, story.end)
        names = [person.external_id for person in story.people]
        benefits.use(names, story.end)
        if playback.is_done:
            merchants.set_up(story, approver)
            rewards.use(names, story.end)
            plans.sell(names, approver, story.end)
            games.set_up(author, approver, story.end)
            games.play(names[:PLAYERS], story.end)
            risk.set_up(author, staff.find("rita"), approver, names, story.end)
        self._report(playback, sign_ins, programme.issue_key(author, now))

    def _play(self, job: str, story: stories.Story, now: dt.datetime) -> Playback:
        total = max(len(story.journal), 1)
        bar = Bar(self.stderr, lambda: playback.counts["events"] / total)
        playback = Playback(job, story.end, now, prepare=checkouts.prepare, watch=bar.show)
        try:
            playback.play(story.journal.events())
        except KeyboardInterrupt:
            bar.close()
            self.stdout.write("Stopped. Run it again to go on.")
            sys.exit(130)
        bar.close()
        return playback

    def _report(self, playback: Playback, sign_ins: list[staff.SignIn], key: str | None) -> None:
        now = timezone.now()
        proven = proof.prove(now, now)
        events = summaries.events(journal.SOURCE)
        lines = [
            *reports.events_of(events, playback),
            *reports.points_of(summaries.points()),
            *reports.tiers_of(summaries.tiers()),
            *reports.proof_of(proven),
            "Sign-ins (demo only)",
            *(f"  {sign.site:12}{sign.username:10}{staff.PASSWORD:14}{sign.words}" for sign in sign_ins),
            f"API key (demo only): {key}" if key else "API key: issued before; make another at /admin/.",
        ]
        self.stdout.write("\n".join(lines))
        for refusal in playback.refusals:
            self.stderr.write(f"rejected {refusal['id']}: {refusal['problem']}")
        if not reports.is_green(proven):
            sys.exit(1)
