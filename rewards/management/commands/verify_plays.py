"""manage.py verify_plays: repeat the draws of games and compare."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Prefetch

from rewards.models import Game, GameVersion, Play, Prize
from rewards.services import lotteries, plays


class Command(BaseCommand):
    help = "Repeat the draws of a game (or of all) from their seeds and compare; fails if anything does not hold."

    def add_arguments(self, parser):
        parser.add_argument("--game", default="", help="The game's code; all games if it is left out.")

    def handle(self, *args, game, **options):
        if game and not Game.objects.filter(code=game).exists():
            raise CommandError(f"There is no game {game}.")
        chosen = {"game__code": game} if game else {}
        prizes = Prefetch("version__prizes", Prize.objects.order_by("position"))
        drawn = Play.objects.filter(ticket=None, **chosen).select_related("version", "period", "drawn", "prize")
        checked = wrong = 0
        for play in drawn.prefetch_related(prizes).iterator(chunk_size=1000):
            checked += 1
            wrong += self._tell(f"play {play.uuid}", plays.verify(play))
        for version in GameVersion.objects.filter(drawn_at__isnull=False, **chosen).select_related("game"):
            checked += 1
            wrong += self._tell(str(version), lotteries.verify(version))
        if wrong:
            raise CommandError(f"{wrong} of {checked} draws do not hold.")
        self.stdout.write(f"{checked} draws hold.")

    def _tell(self, what: str, faults: list[str]) -> bool:
        for fault in faults:
            self.stderr.write(f"{what}: {fault}")
        return bool(faults)
