"""What the demo's members do between their orders: join, log in, check in, share, answer a quiz."""

from __future__ import annotations

import datetime as dt
from random import Random

from common import clock
from config.demo.calendar import Calendar, at_hour
from config.demo.journal import Journal
from config.demo.people import Person

QUIZ = "app.quiz_finished"


def join(person: Person, journal: Journal, start: dt.datetime) -> None:
    """The member's registration; who joined before the time that is told is known from its first instant."""
    data = {
        "name": person.name,
        "kind": person.kind,
        "phone_verified": True,
        "real_name_verified": person.is_verified,
        "registered_at": person.registered_at.isoformat(),
    }
    if person.birthday:
        data["birthday"] = person.birthday.isoformat()
    if person.registered_at < start:
        journal.found(start, person.external_id, data)
    else:
        journal.write(
            person.registered_at, "member.registered", person.external_id, f"joined-{person.external_id}", data
        )


def live(person: Person, random: Random, journal: Journal, calendar: Calendar) -> None:
    """Day by day. Who checks in, does it on most days for some weeks and then forgets."""
    keen_from = random.choice(calendar.days)
    keen_until = keen_from + dt.timedelta(days=random.randint(10, 120))
    for day in calendar.days:
        at = at_hour(random, day, random.randint(7, 22))
        if at <= person.registered_at:
            continue
        if keen_from <= day <= keen_until and random.random() * 100 < person.check_ins:
            _note(journal, at, "member.checked_in", person, day, {"channel": "app"})
        if random.random() < 0.006:
            _note(
                journal,
                at,
                "member.logged_in",
                person,
                day,
                {"channel": person.channel, "manual": random.random() < 0.8},
            )
        if random.random() < 0.003:
            _note(journal, at, "member.shared", person, day, {"channel": "app"})
        if random.random() < 0.001:
            _note(journal, at, QUIZ, person, day, {"score": random.randint(40, 100), "subject": "loyalty"})


def _note(journal: Journal, at: dt.datetime, event_type: str, person: Person, day: dt.date, data: dict) -> None:
    journal.write(at, event_type, person.external_id, f"{event_type}-{person.external_id}-{clock.local_date(at)}", data)
