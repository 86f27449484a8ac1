"""What members have reached of each medal, and what is missing for more. Levels by number: 0 = none, higher is better."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from loyalty.models import Medal, MedalCut, MedalDisplay, MedalLevel, MedalStanding

MONTHS = 12
"""A score counts so many whole calendar months (domain.md F18, F6)."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One medal of one member. `missing` is how much score the next level still asks for, as far as is known:

    the line of a share of members moves with what others do, so it is the last one drawn.
    """

    medal: Medal
    standing: MedalStanding | None
    level: MedalLevel | None
    next: MedalLevel | None
    missing: int | None

    @property
    def score(self) -> int:
        return self.standing.score if self.standing else 0

    @property
    def since(self) -> dt.datetime | None:
        return self.standing.since if self.standing else None

    @property
    def percent(self) -> int:
        """How far it is to the next level, in whole per cent rounded down; 100 at the top."""
        if self.missing is None:
            return 0 if self.next else 100
        return self.score * 100 // (self.score + self.missing) if self.missing else 100


def progress(member_id: int) -> list[Progress]:
    """Every active medal with what the member has reached of it. Four queries."""
    standings = {row.medal_id: row for row in MedalStanding.objects.filter(member=member_id)}
    lines = newest_lines()
    medals = Medal.objects.filter(is_active=True).prefetch_related("levels")
    return [_progress(medal, standings.get(medal.pk), lines) for medal in medals]


def _progress(medal: Medal, standing: MedalStanding | None, lines: dict[int, MedalCut]) -> Progress:
    levels = sorted(medal.levels.all(), key=lambda level: level.number)
    held = next((level for level in levels if standing and level.pk == standing.level_id), None)
    further = next((level for level in levels if level.number > (held.number if held else 0)), None)
    score = standing.score if standing else 0
    return Progress(medal, standing, held, further, _missing(further, score, lines))


def _missing(level: MedalLevel | None, score: int, lines: dict[int, MedalCut]) -> int | None:
    """Who comes later needs more than the last one within a share had; None if that is not known."""
    if level is None:
        return None
    if level.score is not None:
        return max(level.score - score, 0)
    line = lines.get(level.pk)
    return max(line.score + 1 - score, 0) if line and line.score is not None else None


def newest_lines() -> dict[int, MedalCut]:
    """By level of an active medal: where it began when medals were awarded last. One query."""
    newest = MedalCut.objects.filter(level__medal__is_active=True).order_by("-as_of").values("as_of")[:1]
    return {cut.level_id: cut for cut in MedalCut.objects.filter(as_of=newest)}


def is_shown(member_id: int) -> bool:
    """Whether others may see the member's medals: yes, unless she said no."""
    return not MedalDisplay.objects.filter(member=member_id, is_shown=False).exists()


def shown(member_id: int) -> list[Progress]:
    """What others see of a member: the medals she holds a level of; nothing if she does not show them."""
    return [row for row in progress(member_id) if row.level] if is_shown(member_id) else []
