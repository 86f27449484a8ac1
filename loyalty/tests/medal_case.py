"""Medals, and what members did for them, in few words. Rows are laid directly: the award reads nothing else."""

from __future__ import annotations

import datetime as dt
from itertools import count

from common import clock
from common.models import Fact, InboxEvent
from loyalty.models import Activity, Medal, MedalLevel, MedalStanding, Order, OrderLine, Review
from members.models import Member

NOON = dt.datetime(2026, 3, 1, 4, 0, tzinfo=dt.UTC)  # 12:00 in Shanghai; the window is March 2025 to February 2026
DAY = dt.timedelta(days=1)
TONIGHT = dt.datetime(2026, 2, 28, 16, 0, tzinfo=dt.UTC)  # 2026-03-01 00:00 in Shanghai

_numbers = count(1)


def member(name: str = "alice", /, **values) -> Member:
    """A member, made if there is none."""
    values.setdefault("registered_at", NOON - 900 * DAY)
    found, _made = Member.objects.get_or_create(external_id=name, defaults=values)
    return found


def medal(code: str = "reader", *categories: str, levels=((1, 10), (2, 20)), **values) -> Medal:
    """One point of score for one yuan in the categories, nothing else; levels are (number, from a score)."""
    values = {"name": code.title(), "money_unit": 100, "per_money": 1, "per_day": 0, "per_content": 0} | values
    made = Medal.objects.create(code=code, **values)
    for category in categories or (() if made.behaviour else ("books",)):
        made.categories.create(category=category)
    for number, score in levels:
        made.levels.create(number=number, name=f"Level {number}", score=score)
    return made


def shares(made: Medal, *permille: int) -> None:
    """Levels for the best so many per mille, the lowest first, instead of those by score."""
    made.levels.all().delete()
    for number, share in enumerate(permille, 1):
        made.levels.create(number=number, name=f"Level {number}", share_permille=share)


def buy(name: str, cash: int, *, category: str = "books", at: dt.datetime = TONIGHT - DAY, code: str = "") -> OrderLine:
    """A completed order of one line, cash in minor units."""
    return buy_lines(name, [(category, cash)], at=at, code=code)[0]


def buy_lines(name: str, lines: list[tuple[str, int]], *, at: dt.datetime = TONIGHT - DAY, code: str = "") -> list:
    """A completed order with lines (category, cash)."""
    order = Order.objects.create(
        code=code or f"m-{next(_numbers)}",
        member=member(name),
        status=Order.Status.COMPLETED,
        cash=sum(cash for _category, cash in lines),
        completed_at=at,
        completed_on=clock.local_date(at),
    )
    return [
        OrderLine.objects.create(order=order, number=str(n), sku=f"{category}-{n}", category=category, cash=cash)
        for n, (category, cash) in enumerate(lines, 1)
    ]


def give_back(line: OrderLine, cash: int) -> None:
    """A refund of so much of a line."""
    line.refunded_cash += cash
    line.save(update_fields=["refunded_cash"])


def review(name: str, line: OrderLine | None = None, *, photos: int = 0, at: dt.datetime = TONIGHT - DAY, **values):
    """An approved review."""
    values = {"code": f"mr-{next(_numbers)}", "order_line": line, "photos": photos, "approved_at": at} | values
    return Review.objects.create(member=member(name), **values)


def share(name: str, *, at: dt.datetime = TONIGHT - DAY) -> None:
    """A day on which the member shared."""
    Activity.objects.create(member=member(name), kind=Activity.Kind.SHARE, day=clock.local_date(at), at=at)


def event(name: str, type: str, *, at: dt.datetime = TONIGHT - DAY, status: str = "applied") -> None:
    """An event of an operators' own type, as the inbox keeps it."""
    number = f"evt-m-{next(_numbers)}"
    values = {"source": "/shop", "event_id": number, "body_hash": number, "data": {}, "received_at": at}
    InboxEvent.objects.create(type=type, subject=member(name).external_id, time=at, status=status, **values)


def scores(made: Medal) -> dict[str, int]:
    """Scores by member, without those that are nothing."""
    rows = MedalStanding.objects.filter(medal=made, score__gt=0).values_list("member__external_id", "score")
    return dict(rows)


def levels(made: Medal) -> dict[str, int]:
    """Level numbers by member, without those who hold none."""
    rows = MedalStanding.objects.filter(medal=made, level__isnull=False)
    return dict(rows.values_list("member__external_id", "level__number"))


def told() -> list[tuple]:
    """(topic, member, medal, before, after) of every fact about medals, in order."""
    facts = Fact.objects.filter(topic__startswith="medal.").order_by("id")
    return [(f.topic, f.key, f.payload["medal"], f.payload["before"], f.payload["after"]) for f in facts]


def level(made: Medal, number: int) -> MedalLevel:
    """The medal's level of this number."""
    return made.levels.get(number=number)
