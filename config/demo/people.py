"""The demo's members: who they are and how they shop."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from random import Random

from config.demo.catalogue import CATEGORIES

FAMILY = list("王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗")
GIVEN = [*"伟芳娜敏静丽强磊洋艳勇军杰娟涛明超", "秀兰", "建国", "婷婷", "浩然", "子涵", "雨桐", "欣怡", "思远", "晓东"]
COMPANIES = ["远航贸易", "星辰科技", "绿洲餐饮", "宏图设计", "百川物流", "恒信咨询"]


@dataclass(frozen=True, slots=True)
class Person:
    """A member and the member's habits; shares are in percent, `orders` a year."""

    external_id: str
    name: str
    kind: str
    birthday: dt.date | None
    registered_at: dt.datetime
    is_verified: bool
    has_plus: bool
    orders: int
    favourites: tuple[str, ...]
    channel: str
    returns: int
    tenders: int
    reviews: int
    check_ins: int
    refuses: int

    @property
    def is_new(self) -> bool:
        return self.external_id.startswith("new-")


def invent(random: Random, number: int, start: dt.datetime, end: dt.datetime) -> list[Person]:
    """So many members; one in eight joins during the time that is told."""
    return [_person(random, n, start, end) for n in range(1, number + 1)]


def _person(random: Random, number: int, start: dt.datetime, end: dt.datetime) -> Person:
    is_new = number % 8 == 0
    is_business = number % 25 == 3
    has_plus = not is_new and random.random() < 0.2
    if is_new:
        registered_at = start + (end - start) * random.uniform(0.02, 0.9)
    else:
        registered_at = start - dt.timedelta(hours=random.randint(24, 24 * 1500))
    return Person(
        external_id=f"{'new' if is_new else 'cust'}-{number:04}",
        name=random.choice(COMPANIES) if is_business else random.choice(FAMILY) + random.choice(GIVEN),
        kind="business" if is_business else "person",
        birthday=None
        if is_business
        else dt.date(random.randint(1955, 2007), random.randint(1, 12), random.randint(1, 28)),
        registered_at=registered_at.replace(microsecond=0),
        is_verified=random.random() < 0.7,
        has_plus=has_plus,
        orders=_orders(random, is_business, has_plus),
        favourites=tuple(random.sample(sorted(CATEGORIES), k=random.randint(2, 6))),
        channel=random.choices(("app", "mini_program", "web"), weights=(70, 18, 12))[0],
        returns=random.choice((35, 50)) if number % 40 == 7 else random.choice((0, 2, 4, 8)),
        tenders=random.choice((0, 0, 10, 40, 80)),
        reviews=random.choice((0, 0, 10, 25, 60)),
        check_ins=random.choices((0, 10, 40, 95), weights=(70, 18, 9, 3))[0],
        refuses=30 if number % 60 == 11 else 0,
    )


def _orders(random: Random, is_business: bool, has_plus: bool) -> int:
    """Few buy much: a long tail, longer for PLUS members and businesses."""
    typical = 14 if is_business else 10 if has_plus else 4
    return min(1 + int(random.lognormvariate(0, 0.8) * typical), 120)
