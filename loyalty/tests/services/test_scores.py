import datetime as dt

import pytest

from loyalty.models import ChangedDay
from loyalty.tests.ratings import a_member, a_policy, a_source, logged_in, night, score

pytestmark = pytest.mark.django_db

D = dt.date


def test_a_night_counts_the_twelve_months_before_it():
    a_policy(a_source("login", 5))
    logged_in(a_member(), D(2025, 3, 14), D(2025, 3, 15), D(2026, 3, 14), D(2026, 3, 15))

    night(D(2026, 3, 15))

    assert (score().value, score().activity, score().counted_on) == (10, 10, D(2026, 3, 15))
    assert not ChangedDay.objects.exists()
