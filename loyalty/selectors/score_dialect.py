"""The few words in which PostgreSQL and SQLite differ where scores are counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import connection

_WORDS = {
    "postgresql": {
        "least": "LEAST",
        "differs": "IS DISTINCT FROM",
        "local_day": "CAST({} AT TIME ZONE %(zone)s AS date)",
        "month": "CAST(extract(year FROM {0}) * 12 + extract(month FROM {0}) - 1 AS smallint)",
        "day": "DATE '{}'",
        "uuid": "gen_random_uuid()",
        "object": "jsonb_build_object",
        "flag": "({})",
    },
    "sqlite": {
        "least": "min",
        "differs": "IS NOT",
        "local_day": "django_datetime_cast_date({}, %(zone)s, 'UTC')",
        "month": "CAST(substr({0}, 1, 4) AS integer) * 12 + CAST(substr({0}, 6, 2) AS integer) - 1",
        "day": "'{}'",
        "uuid": "lower(hex(randomblob(16)))",
        "object": "json_object",
        "flag": "json(CASE WHEN {} THEN 'true' ELSE 'false' END)",
    },
}


def word(name: str) -> str:
    """What this database calls it."""
    return _WORDS[connection.vendor][name]


def day(date: dt.date) -> str:
    """A date as a literal."""
    return word("day").format(date.isoformat())


def local_day(column: str) -> str:
    """The programme's local day of an instant; needs the parameter `zone`."""
    return word("local_day").format(column)


def month(column: str) -> str:
    """The number of a day's month: year × 12 + month − 1."""
    return word("month").format(column)


def instant(at: dt.datetime) -> Any:
    """An instant as a parameter."""
    return connection.ops.adapt_datetimefield_value(at)


def among(column: str, ids: Collection[int]) -> str:
    """A condition that picks rows by keys of ours. The range lets the planner read one stretch of an index."""
    if not ids:
        return "1 = 0"
    first, last = min(ids), max(ids)
    between = f"{column} BETWEEN {first} AND {last}"
    return between if last - first + 1 == len(set(ids)) else f"{between} AND {column} IN ({keys(ids)})"


def keys(ids) -> str:
    """Primary keys as a list in a statement; they are numbers of ours, never input."""
    return ",".join(map(str, ids)) or "NULL"
