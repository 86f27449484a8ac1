"""Twenty years of a membership: the deduction must rise with the tier, or the pyramid turns over (domain.md F3, S2-36)."""

from __future__ import annotations

import datetime as dt
from math import exp
from statistics import NormalDist

import pytest

from common import clock
from loyalty.models import GrowthEntry, Ladder, Standing, Tier
from loyalty.services import forecasts
from loyalty.services.ladders import CompiledLadder
from loyalty.tests.stage import JD, LONG_AGO, a_ladder
from members.models import Member

pytestmark = pytest.mark.django_db

MEMBERS = 400
START = dt.date(2026, 1, 1)


@pytest.fixture
def bronze_members():
    """Newcomers whose yearly growth is spread like lognormal(7, 1.2), the same in every month."""

    def enter(ladder: Ladder) -> None:
        bronze = Tier.objects.get(code="bronze")
        members = Member.objects.bulk_create(
            Member(external_id=f"m-{number}", registered_at=LONG_AGO) for number in range(MEMBERS)
        )
        Standing.objects.bulk_create(
            Standing(member=member, ladder=ladder, tier=bronze, ordered_at=LONG_AGO) for member in members
        )
        yearly = [exp(7 + 1.2 * NormalDist().inv_cdf((number + 0.5) / MEMBERS)) for number in range(MEMBERS)]
        GrowthEntry.objects.bulk_create(
            GrowthEntry(
                member=member,
                seq=month,
                kind="order",
                criterion="consumption",
                base=0,
                asked=round(growth * 100 / 12) or 1,
                delta=round(growth * 100 / 12),
                balance_after=0,
                occurred_on=dt.date(START.year - 1, month, 15),
                at=LONG_AGO,
                reference="the year that repeats itself",
            )
            for member, growth in zip(members, yearly, strict=True)
            for month in range(1, 13)
        )

    return enter


@pytest.mark.parametrize(
    ("deductions", "shape"),
    [
        ((1_000, 4_000, 10_000), (26, 46, 21, 7)),
        ((1_000, 1_000, 1_000), (27, 32, 16, 25)),
        ((0, 0, 0), (2.5, 24, 34, 40)),
    ],
    ids=["jd", "flat", "none"],
)
def test_what_twenty_years_make_of_a_membership(bronze_members, deductions, shape):
    taken = dict(zip(("silver", "gold", "diamond"), deductions, strict=True))
    ladder = a_ladder(tuple((code, *rest[:1], taken.get(code, 0), *rest[2:]) for code, *rest in JD))
    bronze_members(ladder)
    with forecasts._copied("true", clock.day_start(START), CompiledLadder(ladder), year=True) as copy:
        first = START
        for _month in range(20 * 12):
            end = clock.months_after(first, 1)
            copy.live_through(first, end)
            first = end
        standing = copy.pyramid()
    codes = dict(Tier.objects.values_list("pk", "code"))
    counts = {codes[tier]: members for tier, members in standing.items()}
    found = [100 * counts.get(code, 0) / MEMBERS for code in ("bronze", "silver", "gold", "diamond")]
    assert found == pytest.approx(shape, abs=3), found
