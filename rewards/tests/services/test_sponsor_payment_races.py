"""Two operators record the same money at once on a real PostgreSQL."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from loyalty.tests.services.test_races import at_once
from loyalty.tests.stage import DAY, NOON
from merchants.tests import buyers
from rewards.models import SponsorPayment
from rewards.services import sponsor_payments
from rewards.tests.shop import STAFF, a_member, a_reward, redeem

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def test_a_month_that_eight_operators_pay_at_once_is_paid_once():
    acme = buyers.a_merchant("acme", "acme-1")
    a_member()
    redeem(a_reward("mug", unit_cost=900, merchant=acme, merchant_percent=40))
    paid = {"paid_on": dt.date(2026, 4, 1), "reference": "bank-1", "actor": STAFF, "at": NOON + 31 * DAY}
    answers = at_once(*[lambda: sponsor_payments.record(acme, dt.date(2026, 3, 1), 3_60, **paid)] * 8)
    told = Counter("paid" if isinstance(one, SponsorPayment) else one.code for one in answers)
    assert told == {"paid": 1, "more_than_is_open": 7}
    assert SponsorPayment.objects.get().amount == 3_60
