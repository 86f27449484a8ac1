"""A score policy in few words, members' days, and what the nights make of them."""

from __future__ import annotations

import datetime as dt
from itertools import count

from common import clock
from loyalty.models import (
    Activity,
    ChangedDay,
    CurvePoint,
    Order,
    OrderLine,
    Score,
    ScoreDimension,
    ScorePolicy,
    ScoreSource,
)
from loyalty.services import score_settlements, scores
from members.models import Member

LONG_AGO = dt.datetime(2015, 1, 1, tzinfo=dt.UTC)
_numbers = count(1)


def a_policy(*sources: dict, curves: dict | None = None, at: dt.datetime = LONG_AGO, **dimensions) -> ScorePolicy:
    """A policy in force since `at`: sources, (weight, cap) of dimensions, and curves. Unnamed: 100 %, at most 100,000."""
    policy = ScorePolicy.objects.create(
        status=ScorePolicy.Status.PUBLISHED, drafted_at=at, published_at=at, effective_at=at
    )
    named = {source["dimension"] for source in sources}
    for code in sorted(named | dimensions.keys()):
        weight, cap = dimensions.get(code, (100, 100_000))
        ScoreDimension.objects.create(policy=policy, code=code, weight_percent=weight, cap=cap)
    for code, corners in (curves or {}).items():
        for x, y in corners:
            CurvePoint.objects.create(policy=policy, dimension=code, x=x, y=y)
    for source in sources:
        ScoreSource.objects.create(policy=policy, **source)
    return policy


def a_source(kind: str, value: int = 1, dimension: str = "activity", **limits) -> dict:
    """One thing that is counted."""
    return {"kind": kind, "value": value, "dimension": dimension, **limits}


def a_member(name: str = "alice", **fields) -> Member:
    """A member who joined on the first day of 2026."""
    fields.setdefault("registered_at", dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    return Member.objects.get_or_create(external_id=name, defaults=fields)[0]


def logged_in(member: Member, *days: dt.date, kind: str = "login") -> None:
    """An activity on each of these days, marked as the desk marks it."""
    Activity.objects.bulk_create([Activity(member=member, kind=kind, day=day, at=clock.day_start(day)) for day in days])
    mark(member, *days)


def bought(member: Member, day: dt.date, *lines: dict) -> Order:
    """An order completed on this day; 100.00 in one line unless told otherwise."""
    order = Order.objects.create(
        code=f"r-{next(_numbers)}",
        member=member,
        status=Order.Status.COMPLETED,
        completed_on=day,
        completed_at=clock.day_start(day),
    )
    for number, line in enumerate(lines or [{}], start=1):
        OrderLine.objects.create(order=order, number=str(number), **({"cash": 10_000} | line))
    mark(member, day)
    return order


def gave_back(order: Order, cash: int | None = None) -> None:
    """The first line's cash goes back, all of it unless told otherwise; the order's day changes."""
    line = order.lines.first()
    line.refunded_cash = line.cash if cash is None else cash
    line.save()
    mark(order.member, order.completed_on)


def mark(member: Member, *days: dt.date) -> None:
    """Something changed on these days of the member, or of whom she was merged into."""
    member.refresh_from_db()
    owner = member.merged_into or member
    ChangedDay.objects.bulk_create([ChangedDay(member=owner, day=day) for day in days])


def night(day: dt.date, *, anew: bool = False):
    """The count that is made at the start of a day."""
    start = clock.day_start(day)
    return (scores.count_anew if anew else scores.count)(start, start)


def settlement(day: dt.date):
    """The settlement that is asked for in the night to a day, after the count."""
    night(day)
    return score_settlements.settle(clock.day_start(day), clock.day_start(day))


def score(name: str = "alice") -> Score:
    """A member's score as it stands."""
    return Score.objects.get(member__external_id=name)
