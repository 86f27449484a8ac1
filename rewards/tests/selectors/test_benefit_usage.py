"""Measured use: who may, who did, by the tier of the time."""

from __future__ import annotations

import datetime as dt

import pytest

from loyalty.tests.stage import DAY, NOON
from rewards.models import Benefit
from rewards.selectors import benefit_usage
from rewards.services import benefits
from rewards.tests import perks

pytestmark = pytest.mark.django_db

SINCE, UNTIL = dt.date(2026, 2, 1), dt.date(2026, 3, 2)


def test_the_share_of_those_entitled_who_used_it_is_told_by_benefit_and_tier():
    """domain.md S2-17: perceived use = members who used at least one benefit ÷ members entitled."""
    golds = [perks.member(f"g-{number}", "gold") for number in range(4)]
    bronze = perks.member("b", "bronze")
    perks.grant(perks.benefit("parcel", unit_cost=7_00), perks.tier("bronze"))
    perks.grant(perks.benefit("vip-line", unit_cost=3_00), perks.tier("gold"))
    for key in ("p-1", "p-2"):
        benefits.use(golds[0], "parcel", NOON, key=key)
    benefits.use(golds[1], "vip-line", NOON, key="v-1")
    back = benefits.use(golds[2], "parcel", NOON, key="p-1")
    benefits.give_back(golds[2], "parcel", back.uuid, NOON)
    benefits.use(bronze, "parcel", NOON - 40 * DAY, key="p-1")
    found = benefit_usage.report(SINCE, UNTIL, NOON)
    gold, low = perks.tier("gold").pk, perks.tier("bronze").pk
    rows = {row.benefit.code: row.by_tier for row in found.rows}
    assert rows["parcel"] == {
        gold: benefit_usage.Usage(entitled=4, users=1, uses=2, cost=14_00),
        low: benefit_usage.Usage(1, 0, 0, 0),
    }
    assert rows["vip-line"] == {gold: benefit_usage.Usage(4, 1, 1, 3_00)}
    assert found.by_tier[gold] == benefit_usage.Usage(4, 2, 3, 17_00)
    assert (found.by_tier[gold].permille, found.total.entitled, found.total.permille) == (500, 5, 400)


def test_the_matrix_tells_the_best_parameter_of_each_tier():
    shipping = perks.benefit("free-shipping", kind=Benefit.Kind.FREE_SHIPPING)
    perks.grant(shipping, perks.tier("silver"), value=99_00)
    perks.grant(shipping, perks.tier("gold"), value=79_00)
    perks.tier("bronze")
    row = benefit_usage.report(SINCE, UNTIL, NOON).rows[0]
    assert row.values == {perks.tier("gold").pk: (79_00,), perks.tier("silver").pk: (99_00,)}


def test_the_report_asks_one_question_a_benefit(django_assert_max_num_queries):
    for number in range(10):
        perks.grant(perks.benefit(f"b-{number}"), perks.tier("bronze"))
        perks.member(f"m-{number}", "gold")
    with django_assert_max_num_queries(10 + 10):
        benefit_usage.report(SINCE, UNTIL, NOON)
