"""The demo's year, from one seed: the same seed, sizes and end give the same events."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from random import Random

from config.demo import catalogue, habits, people
from config.demo.calendar import Calendar
from config.demo.journal import Journal
from config.demo.people import Person
from config.demo.shopping import Shopper

SEED = 618


@dataclass(frozen=True, slots=True)
class Story:
    """The people and what they do."""

    start: dt.datetime
    end: dt.datetime
    people: list[Person]
    journal: Journal


def write(members: int, days: int, end: dt.datetime) -> Story:
    """Invent `members` people and what they do in the `days` before `end`."""
    random = Random(SEED)
    start = end - dt.timedelta(days=days)
    shelves = catalogue.stock(random)
    cast = people.invent(random, members, start, end)
    journal, calendar = Journal(end), Calendar(start, end)
    shopper = Shopper(random, journal, shelves, cast)
    for person in cast:
        habits.join(person, journal, start)
    for person in cast:
        shopper.shop(person, calendar)
        habits.live(person, random, journal, calendar)
    return Story(start, end, cast, journal)
