"""When points expire: pure functions of the calendar (domain.md F7). The nightly job is in expiring.py."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from loyalty.models.programme import Expiry

NEVER = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)
"""For points that do not expire: what merchants bought without an end. The ledger wants an instant for every lot."""


def expires_at(
    policy: str,
    count: int,
    date: dt.date | None,
    earned_at: dt.datetime,
    *,
    campaign_ends_at: dt.datetime | None = None,
    tz: dt.tzinfo,
) -> dt.datetime:
    """The instant (UTC) from which points earned at `earned_at` cannot be spent any more.

    Always the end of a local day of `tz`, which is the start of the next one: points are good while now < the answer.
    `count` is days (DAYS, SLIDING), further months (END_OF_MONTH) or further quarters (END_OF_QUARTER), 0 = the current
    one; `date` is for FIXED_DATE, `campaign_ends_at` for CAMPAIGN. For SLIDING `earned_at` is the last activity.
    Raises ValueError if what the policy needs is missing.
    """
    earned_on = earned_at.astimezone(tz).date()
    return end_of_day(_LAST_DAYS[Expiry(policy)](earned_on, count, date, campaign_ends_at, tz), tz)


def end_of_day(day: dt.date, tz: dt.tzinfo) -> dt.datetime:
    """The first instant after a local day, in UTC; right also where clocks change at midnight."""
    start_of_next = dt.datetime.combine(day + dt.timedelta(days=1), dt.time.min, tzinfo=tz)
    return start_of_next.astimezone(dt.UTC)


def _end_of_next_year(earned_on: dt.date, *_unused) -> dt.date:
    return dt.date(earned_on.year + 1, 12, 31)


def _after_days(earned_on: dt.date, count: int, *_unused) -> dt.date:
    return earned_on + dt.timedelta(days=count)


def _end_of_month(earned_on: dt.date, count: int, *_unused) -> dt.date:
    months = earned_on.year * 12 + earned_on.month + count
    return dt.date(months // 12, months % 12 + 1, 1) - dt.timedelta(days=1)


def _end_of_quarter(earned_on: dt.date, count: int, *_unused) -> dt.date:
    months_left = 2 - (earned_on.month - 1) % 3
    return _end_of_month(earned_on, months_left + 3 * count)


def _fixed_date(_earned_on: dt.date, _count: int, date: dt.date | None, *_unused) -> dt.date:
    if date is None:
        raise ValueError("a fixed expiry needs its date")
    return date


def _end_of_campaign(
    _earned_on: dt.date, _count: int, _date: dt.date | None, campaign_ends_at: dt.datetime | None, tz: dt.tzinfo
) -> dt.date:
    if campaign_ends_at is None:
        raise ValueError("expiry with the campaign needs the campaign's end")
    # The campaign is over at ends_at, so the day that counts is that of the instant before.
    return (campaign_ends_at - dt.datetime.resolution).astimezone(tz).date()


_LAST_DAYS: dict[Expiry, Callable[..., dt.date]] = {
    Expiry.END_OF_NEXT_YEAR: _end_of_next_year,
    Expiry.DAYS: _after_days,
    Expiry.END_OF_MONTH: _end_of_month,
    Expiry.END_OF_QUARTER: _end_of_quarter,
    Expiry.FIXED_DATE: _fixed_date,
    Expiry.CAMPAIGN: _end_of_campaign,
    Expiry.SLIDING: _after_days,
}
