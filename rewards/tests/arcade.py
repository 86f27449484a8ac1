"""Games in few words: a version in force around NOON, its prizes, and a play of it."""

from __future__ import annotations

import datetime as dt
from itertools import count

from django.db import transaction

from common.models import Staff
from common.services.audit import Actor
from loyalty.tests.stage import DAY, NOON
from members.models import Member
from rewards.models import Game, GameVersion, Play, Prize
from rewards.services import draws, games, plays, seeds

_numbers = count(1)

# domain.md F17: (weight out of 1,000, points).
F17 = ((1, 1000), (10, 200), (100, 20), (300, 5))


def person(name: str) -> Actor:
    """A member of the operators' staff."""
    staff, _made = Staff.objects.get_or_create(username=name, defaults={"is_staff": True})
    return Actor(name, staff)


def a_draft(code: str = "joy", *, kind: str = Game.Kind.DA_LE_DOU, prizes=F17, **values) -> GameVersion:
    """A draft that Olivia wrote; prizes are (weight, points) or dicts."""
    game, _made = Game.objects.get_or_create(code=code, defaults={"name": code.title(), "kind": kind})
    values = {"starts_at": NOON - DAY, "ends_at": NOON + 30 * DAY, "stake": 10, "daily_limit": None} | values
    version = GameVersion.objects.create(
        game=game, number=games.next_number(game), created_by=person("olivia").staff, changed_at=NOON, **values
    )
    for position, prize in enumerate(prizes, 1):
        if not isinstance(prize, dict):
            weight, points = prize
            prize = {"kind": "points", "name": f"{points} points", "points": points, "weight": weight}
        Prize.objects.create(version=version, position=position, **{"name": f"Prize {position}"} | prize)
    return version


def new_seed() -> str:
    """Another seed each time, never one that `seed_for` may find."""
    return f"f{next(_numbers):063x}"


def a_game(code: str = "joy", *, seed: str = "", at: dt.datetime = NOON - DAY, **values) -> GameVersion:
    """The draft, put in force by Felix."""
    version = a_draft(code, **values)
    return games.activate(version, person("felix"), at, (lambda: seed) if seed else new_seed)


def a_lottery(*, least: int = 3, most: int = 100, prizes=({"kind": "points", "points": 20, "stock": 1},), **values):
    """Tickets for 10 points until NOON + 1 day, drawn an hour later."""
    values = {
        "ends_at": NOON + DAY,
        "draws_at": NOON + DAY + dt.timedelta(hours=1),
        "tickets_least": least,
        "tickets_most": most,
        "cost_cap_percent": 100,
    } | values
    return a_game("lottery", kind=Game.Kind.LOTTERY, prizes=prizes, **values)


def seed_for(version: GameVersion, prize_position: int | None, *, client_seed: str = "alice", nonce: int = 1) -> str:
    """A server seed with which a play falls on a prize (None: on nothing)."""
    weights = [prize.weight for prize in version.prizes.all()]
    for number in count(1):
        seed = f"{number:064d}"
        drawn = draws.number(seed, f"{client_seed}:{nonce}", version.weight_total)
        place = draws.pick(weights, drawn)
        if (None if place is None else place + 1) == prize_position:
            return seed
    raise AssertionError


def rig(version: GameVersion, prize_position: int | None, **message) -> None:
    """Put a seed in the open period with which a play falls on a prize."""
    seed = seed_for(version, prize_position, **message)
    version.seed_periods.filter(closed_at=None).update(server_seed=seed, commitment=draws.commitment(seed))


@transaction.atomic
def play(
    code: str = "joy",
    subject: str = "alice",
    at: dt.datetime = NOON,
    *,
    key: str = "",
    client_seed: str = "",
    commitment: str | None = None,
) -> Play:
    """One play of the game as it is shown now."""
    version = GameVersion.objects.filter(game__code=code).exclude(status="draft").latest("pk")
    period = seeds.current(version)
    return plays.play(
        Member.objects.get(external_id=subject),
        code,
        commitment=commitment if commitment is not None else period.commitment if period else "",
        client_seed=client_seed or subject,
        key=key or f"key-{next(_numbers)}",
        at=at,
    )
