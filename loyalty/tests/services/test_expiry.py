import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.models.programme import Expiry
from loyalty.services import expiry

SHANGHAI = ZoneInfo("Asia/Shanghai")


def local(text, tz=SHANGHAI):
    return dt.datetime.fromisoformat(text).replace(tzinfo=tz)


@pytest.mark.parametrize(
    ("policy", "count", "earned", "expected"),
    [
        (Expiry.END_OF_NEXT_YEAR, 0, "2026-03-01 10:00", "2028-01-01 00:00"),
        (Expiry.END_OF_NEXT_YEAR, 0, "2026-12-31 23:59", "2028-01-01 00:00"),
        (Expiry.END_OF_NEXT_YEAR, 0, "2027-01-01 00:00", "2029-01-01 00:00"),
        (Expiry.DAYS, 0, "2026-03-01 10:00", "2026-03-02 00:00"),
        (Expiry.DAYS, 30, "2026-03-01 00:00", "2026-04-01 00:00"),
        (Expiry.DAYS, 1, "2028-02-28 23:59", "2028-03-01 00:00"),
        (Expiry.END_OF_MONTH, 0, "2026-02-28 23:59", "2026-03-01 00:00"),
        (Expiry.END_OF_MONTH, 0, "2026-12-01 00:00", "2027-01-01 00:00"),
        (Expiry.END_OF_MONTH, 12, "2026-12-15 00:00", "2028-01-01 00:00"),
        (Expiry.END_OF_QUARTER, 0, "2026-01-01 00:00", "2026-04-01 00:00"),
        (Expiry.END_OF_QUARTER, 0, "2026-03-31 23:59", "2026-04-01 00:00"),
        (Expiry.END_OF_QUARTER, 1, "2026-11-30 12:00", "2027-04-01 00:00"),
        (Expiry.SLIDING, 365, "2026-06-01 08:00", "2027-06-02 00:00"),
    ],
)
def test_points_expire_at_the_end_of_a_local_day(policy, count, earned, expected):
    assert expiry.expires_at(policy, count, None, local(earned), tz=SHANGHAI) == local(expected)


def test_the_local_day_counts_and_not_the_utc_day():
    earned = dt.datetime(2026, 12, 31, 16, 0, tzinfo=dt.UTC)  # already 2027 in Shanghai

    assert expiry.expires_at(Expiry.END_OF_NEXT_YEAR, 0, None, earned, tz=SHANGHAI) == local("2029-01-01 00:00")


def test_a_fixed_date_is_good_to_its_end():
    date = dt.date(2026, 6, 18)

    assert expiry.expires_at(Expiry.FIXED_DATE, 0, date, local("2026-01-05 09:00"), tz=SHANGHAI) == local(
        "2026-06-19 00:00"
    )


@pytest.mark.parametrize(
    ("ends", "expected"),
    [("2026-06-19 00:00", "2026-06-19 00:00"), ("2026-06-18 12:00", "2026-06-19 00:00")],
)
def test_campaign_points_expire_with_the_last_day_of_the_campaign(ends, expected):
    answer = expiry.expires_at(
        Expiry.CAMPAIGN, 0, None, local("2026-06-01 09:00"), campaign_ends_at=local(ends), tz=SHANGHAI
    )

    assert answer == local(expected)


@pytest.mark.parametrize("policy", [Expiry.FIXED_DATE, Expiry.CAMPAIGN])
def test_a_policy_without_what_it_needs_is_refused(policy):
    with pytest.raises(ValueError, match="needs"):
        expiry.expires_at(policy, 0, None, local("2026-06-01 09:00"), tz=SHANGHAI)


def test_a_day_that_has_no_midnight_begins_when_the_clocks_jump():
    # Beirut went from 2024-03-30 24:00 (UTC+2) straight to 2024-03-31 01:00 (UTC+3).
    beirut = ZoneInfo("Asia/Beirut")
    answer = expiry.expires_at(Expiry.DAYS, 0, None, local("2024-03-30 12:00", beirut), tz=beirut)

    assert answer == dt.datetime(2024, 3, 30, 22, 0, tzinfo=dt.UTC)


def test_a_day_that_has_two_midnights_begins_with_the_first():
    # Havana went from 2024-11-03 01:00 (UTC-4) back to 00:00 (UTC-5).
    havana = ZoneInfo("America/Havana")
    answer = expiry.expires_at(Expiry.DAYS, 0, None, local("2024-11-02 12:00", havana), tz=havana)

    assert answer == dt.datetime(2024, 11, 3, 4, 0, tzinfo=dt.UTC)


zones = st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "America/Havana", "Pacific/Apia"]).map(
    ZoneInfo
)
instants = st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2060, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001
counted = st.sampled_from(
    [Expiry.END_OF_NEXT_YEAR, Expiry.DAYS, Expiry.END_OF_MONTH, Expiry.END_OF_QUARTER, Expiry.SLIDING]
)


@given(policy=counted, count=st.integers(0, 40), earned=instants, tz=zones)
def test_points_are_always_good_to_the_end_of_the_local_day_they_were_earned_on(policy, count, earned, tz):
    answer = expiry.expires_at(policy, count, None, earned, tz=tz)

    assert answer > earned
    last_day = (answer - dt.datetime.resolution).astimezone(tz).date()
    assert last_day >= earned.astimezone(tz).date()
    assert answer.astimezone(tz).date() > last_day


@given(policy=counted, count=st.integers(0, 40), earned=instants, later=instants, tz=zones)
def test_points_earned_later_never_expire_sooner(policy, count, earned, later, tz):
    first, second = sorted([earned, later])

    assert expiry.expires_at(policy, count, None, first, tz=tz) <= expiry.expires_at(policy, count, None, second, tz=tz)
