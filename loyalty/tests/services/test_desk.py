"""What a desk costs: as many queries for a batch of two hundred as for one of fifty, whatever its events do."""

from __future__ import annotations

import pytest

from loyalty.models import GrowthEntry, Standing, TierChange
from loyalty.tests.proven import assert_proven
from loyalty.tests.services.test_orders import queries
from loyalty.tests.stage import DAY, NOON, a_growth_policy, a_ladder, event, line, order, send_all

pytestmark = pytest.mark.django_db

SIZES = (50, 200)


def orders(numbers, at=NOON, cash=2_500_00):
    return [
        event("order.completed", f"m-{n}", at, **order(f"o-{n}-{at:%d}", line(1, cash, sku=f"sku-{n}")))
        for n in numbers
    ]


def refunds(numbers, at=NOON):
    lines = [{"line": "1", "quantity": 1}]
    return [
        event("order.refunded", f"m-{n}", at, order=f"o-{n}-{NOON:%d}", refund="r", reason="defect", lines=lines)
        for n in numbers
    ]


def reviews(numbers, at=NOON):
    return [
        event("review.approved", f"m-{n}", at, review=f"r-{n}", order=f"o-{n}-{NOON:%d}", line="1", photos=1)
        for n in numbers
    ]


def removals(numbers, at=NOON):
    return [event("review.removed", f"m-{n}", at, review=f"r-{n}") for n in numbers]


def log_ins(numbers, at=NOON):
    return [event("member.logged_in", f"m-{n}", at) for n in numbers]


@pytest.fixture(autouse=True)
def _jd():
    a_ladder()
    a_growth_policy()


BEFORE = {orders: (), refunds: (orders, reviews), reviews: (orders,), removals: (orders, reviews), log_ins: (orders,)}


@pytest.mark.parametrize("kind", BEFORE, ids=lambda kind: kind.__name__)
def test_a_batch_costs_as_many_queries_whatever_its_size(kind):
    counts = []
    for start, size in zip((1_000, 2_000, 3_000), (5, *SIZES), strict=True):
        numbers = range(start, start + size)
        for earlier in BEFORE[kind]:
            send_all(earlier(numbers), NOON)
        counts.append(queries(kind(numbers)))
    assert counts[1] == counts[2]
    assert GrowthEntry.objects.count() >= sum(SIZES)
    assert_proven()


def test_upgrades_over_one_another_cost_as_many_queries_whatever_their_number():
    counts = []
    for start, size in zip((1_000, 2_000, 3_000), (5, *SIZES), strict=True):
        numbers = range(start, start + size)
        send_all(orders(numbers), NOON)
        counts.append(queries(orders(numbers, NOON + DAY, cash=8_000_00), NOON + DAY))
    assert counts[1] == counts[2]
    assert TierChange.objects.filter(after__code="gold", is_provisional=True).count() == 5 + sum(SIZES)


def test_a_batch_after_a_missed_review_costs_as_many_queries_whatever_its_size():
    counts, later = [], NOON + 366 * DAY
    for start, size in zip((1_000, 2_000, 3_000), (5, *SIZES), strict=True):
        numbers = range(start, start + size)
        send_all(orders(numbers), NOON)
        counts.append(queries(log_ins(numbers, later), later))
    assert counts[1] == counts[2]
    assert set(Standing.objects.values_list("growth", flat=True)) == {1_505_00}
