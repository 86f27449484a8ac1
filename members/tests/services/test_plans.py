"""Terms of plans: whole local days, one after the other, never two at once (domain.md E56)."""

import datetime as dt
import itertools

import hypothesis
import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from common import clock
from members.models import Plan, Subscription
from members.services import plans
from members.tests.plus import DAY, NOON, a_member, until

MIDNIGHT = clock.day_start(clock.local_date(NOON))
TICK = dt.timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("starts_at", "ends_at"),
    [
        (NOON, until(30)),
        (MIDNIGHT, MIDNIGHT + 30 * DAY),
        (MIDNIGHT + TICK, MIDNIGHT + 31 * DAY),
        (MIDNIGHT - TICK, MIDNIGHT + 30 * DAY),
    ],
)
def test_a_term_ends_at_a_local_midnight_and_the_rest_of_its_first_day_is_given(starts_at, ends_at):
    assert plans.end_of(starts_at, 30) == ends_at


def test_a_day_of_23_or_25_hours_is_a_day(settings):
    settings.TIME_ZONE = "Europe/Berlin"
    begin = clock.day_start(dt.date(2026, 3, 28))  # clocks go forward on the 29th
    assert plans.end_of(begin, 2) - begin == dt.timedelta(hours=47)
    begin = clock.day_start(dt.date(2026, 10, 24))  # and back on the 25th
    assert plans.end_of(begin, 2) - begin == dt.timedelta(hours=49)


@pytest.mark.django_db
@hypothesis.settings(max_examples=30)
@given(
    days=st.lists(st.integers(1, 400), min_size=2, max_size=5),
    ended=st.integers(0, 4),
    after=st.timedeltas(dt.timedelta(0), dt.timedelta(days=800)),
)
def test_whatever_is_ended_terms_follow_each_other_and_keep_their_days(days, ended, after):
    with transaction.atomic():
        alice, plan, at = a_member(), Plan.objects.create(code="plus", name="PLUS"), NOON + after
        terms = [plans.extend(alice, plan, number, NOON) for number in days]
        victim = terms[ended % len(terms)]
        is_over = victim.ends_at <= at
        plans.end(victim, at)
        rows = list(Subscription.objects.order_by("pk"))
        transaction.set_rollback(True)
    lasting = [row for row in rows if row.ends_at > row.starts_at]
    assert all(one.ends_at == after_it.starts_at for one, after_it in itertools.pairwise(lasting))
    for row, number in zip(rows, days, strict=True):
        if row.pk != victim.pk or is_over:
            assert row.ends_at == plans.end_of(row.starts_at, number)
            assert clock.local(row.ends_at).time() == dt.time.min
