"""The programme's settings."""

from __future__ import annotations

import math

from django.db.models import QuerySet

from common.prepared import prepared
from loyalty.models import Programme


def current() -> Programme:
    """The one row of settings; made with JD's defaults (domain.md section 7) the first time it is asked for."""
    if not (found := _rows()):
        # In bulk, so that no history is written: the caller may be a member or a key, which are not staff.
        Programme.objects.bulk_create([Programme(pk=1)], ignore_conflicts=True)
        found = _rows()
    return found[0]


@prepared
def _rows() -> QuerySet[Programme]:
    return Programme.objects.filter(pk=1).order_by()


def registers_unknown_members() -> bool:
    """Whether an event for somebody unknown registers a member."""
    return current().register_unknown_members


def money_of(programme: Programme, points: int) -> int:
    """What so many points are worth in minor units of money, rounded down."""
    return points * programme.point_value_money // programme.point_value_points


def points_of(programme: Programme, money: int) -> int:
    """How many whole points so much money pays for, rounded down."""
    return money * programme.point_value_points // programme.point_value_money


def part_of(programme: Programme) -> tuple[int, int]:
    """The fewest points that are worth whole money, and that money in minor units."""
    shared = math.gcd(programme.point_value_points, programme.point_value_money)
    return programme.point_value_points // shared, programme.point_value_money // shared


def step_of(programme: Programme) -> int:
    """Points pay for goods in multiples of this (F9): the step, in points that are worth whole money."""
    return math.lcm(programme.tender_step, part_of(programme)[0])
