"""Games for the demo: Da Le Dou with the odds of domain.md F17, a scratch card, a wheel and a lottery; and some who play.

JD's mechanics of Da Le Dou are not published; these are ours. Seeds are the same in every demo, so its draws are, too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from common.models import Staff
from common.services.audit import Actor
from loyalty.services.ledger import InsufficientPoints
from members.models import Member
from rewards.models import Game, GameVersion, Prize, Reward
from rewards.services import draws, games, plays, seeds

DAY = dt.timedelta(days=1)

# Name, kind, words for members, what it costs; prizes: name, points, price, weight, stock.
GAMES: dict[str, tuple[str, str, str, dict[str, Any], list[tuple[str, int, int, int, int | None]]]] = {
    "da-le-dou": (
        "Da Le Dou", Game.Kind.DA_LE_DOU, "Ten beans for a chance of a thousand.", {"stake": 10, "daily_limit": 3},
        [("1,000 beans", 1000, 0, 1, None), ("200 beans", 200, 0, 10, None), ("20 beans", 20, 0, 100, None),
         ("5 beans", 5, 0, 300, None)],
    ),
    "scratch-card": (
        "Scratch card", Game.Kind.SCRATCH, "Scratch for a mug.", {"stake": 50, "daily_limit": 1, "daily_budget": 500_00},
        [("Mug", 0, 39_00, 3, 40), ("100 beans", 100, 0, 80, None), ("20 beans", 20, 0, 300, None)],
    ),
    "lucky-wheel": (
        "Lucky wheel", Game.Kind.WHEEL, "Turn it once a day.", {"stake": 20, "daily_limit": 1, "won_points_days": 30},
        [("Coupon: 5.00 off books", 0, 5_00, 5, 200), ("50 beans", 50, 0, 80, None), ("10 beans", 10, 0, 250, None)],
    ),
    "new-year-lottery": (
        "New Year lottery", Game.Kind.LOTTERY, "One ticket, one phone.", {"stake": 100, "tickets_least": 20_000},
        [("Phone", 0, 6_999_00, 0, 1), ("Headphones", 0, 599_00, 0, 5), ("1,000 beans", 1000, 0, 0, 100)],
    ),
}  # fmt: skip


def set_up(author: Staff, approver: Staff, at: dt.datetime) -> None:
    """The games, in force from `at` for sixty days; a second time it changes nothing."""
    for code, (name, kind, description, values, prizes) in GAMES.items():
        game, is_new = Game.objects.get_or_create(
            code=code, defaults={"name": name, "kind": kind, "description": description}
        )
        if is_new:
            version = _version(game, values, prizes, author, at)
            games.activate(version, Actor(approver.username, approver), at, lambda code=code: _seed(code))


def _version(game: Game, values: dict, prizes: Sequence[tuple], author: Staff, at: dt.datetime) -> GameVersion:
    if game.is_lottery:
        values = {
            "daily_limit": 10,
            "draws_at": at + 61 * DAY,
            "tickets_most": 100_000,
            "cost_cap_percent": 80,
        } | values
    version = GameVersion.objects.create(
        game=game, number=1, starts_at=at, ends_at=at + 60 * DAY, created_by=author, changed_at=at, **values
    )
    coupon = Reward.objects.filter(code="five-off", status=Reward.Status.ACTIVE).first()
    for position, (name, points, price, weight, stock) in enumerate(prizes, 1):
        kind = Prize.Kind.POINTS if points else Prize.Kind.COUPON if name.startswith("Coupon") else Prize.Kind.GIFT
        is_fallback = position == len(prizes) and stock is None
        Prize.objects.create(
            version=version, position=position, kind=kind, name=name, points=points, price=price, weight=weight,
            stock=stock, is_fallback=is_fallback, reward=coupon if kind == Prize.Kind.COUPON else None,
        )  # fmt: skip
    return version


def _seed(code: str) -> str:
    """Known to everybody who reads this: for a demo only."""
    return draws.commitment(f"demo:{code}")


def play(names: Sequence[str], at: dt.datetime) -> None:
    """Each of some members plays every game once, if she has the points. Run again, the same plays are found."""
    versions = list(GameVersion.objects.filter(status=GameVersion.Status.ACTIVE).select_related("game").order_by("pk"))
    for member in Member.objects.filter(external_id__in=names, status=Member.Status.ACTIVE).order_by("pk"):
        for version in versions:
            period = seeds.current(version)
            if period is None or not version.starts_at <= at < version.ends_at:
                continue
            try:
                with transaction.atomic():
                    plays.play(
                        member,
                        version.game.code,
                        commitment=period.commitment,
                        client_seed="demo",
                        key=f"demo-{version.game.code}",
                        at=at,
                    )
            except InsufficientPoints:
                continue
