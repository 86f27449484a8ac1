"""The programme's calendar: a day is a local day of settings.TIME_ZONE, whatever the caller's own zone is."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone


def local(at: dt.datetime) -> dt.datetime:
    """The instant on the programme's wall clock."""
    return timezone.localtime(at, timezone.get_default_timezone())


def local_date(at: dt.datetime) -> dt.date:
    """The programme's day in which the instant lies."""
    return local(at).date()


def day_start(day: dt.date) -> dt.datetime:
    """The first instant of a local day; the day's end is the start of the next one (half-open, DST-safe)."""
    return dt.datetime.combine(day, dt.time.min, tzinfo=timezone.get_default_timezone()).astimezone(dt.UTC)


def day_end(day: dt.date) -> dt.datetime:
    """The first instant after a local day: what a deadline "until the end of the day" means."""
    return day_start(day + dt.timedelta(days=1))


def zone() -> dt.tzinfo:
    """The programme's time zone."""
    return timezone.get_default_timezone()


def written(at: dt.datetime) -> str:
    """The instant as the API writes it: in UTC, with a Z (RFC 3339)."""
    return at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def month(text: str) -> dt.date:
    """The first day of a month of this century that is written as 2026-03. Raises ValueError for anything else."""
    if not text.startswith("20"):
        raise ValueError(text)
    return dt.date.fromisoformat(f"{text}-01")


def month_start(day: dt.date) -> dt.date:
    """The first day of the day's month."""
    return day.replace(day=1)


def months_after(day: dt.date, months: int) -> dt.date:
    """The same day so many months later (or earlier); the last of the month if there is no such day (domain.md E27)."""
    month = day.year * 12 + day.month - 1 + months
    first = dt.date(month // 12, month % 12 + 1, 1)
    next_first = dt.date((month + 1) // 12, (month + 1) % 12 + 1, 1)
    return min(first + dt.timedelta(days=day.day - 1), next_first - dt.timedelta(days=1))
