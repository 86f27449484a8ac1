"""How long a sleeper keeps what he has (domain.md F3)."""

import pytest

from loyalty.selectors import dormancy
from loyalty.tests.stage import JD, a_ladder

pytestmark = pytest.mark.django_db


def stays(rungs=JD, **values) -> list[tuple[str, int | None]]:
    ladder = a_ladder(rungs)
    rungs = list(ladder.rungs.select_related("tier"))
    return [(tier.code, months) for tier, months in dormancy.path(rungs, **values)]


def test_the_sleeper_of_30000_takes_eleven_years_to_bronze():
    path = stays()
    assert path == [("diamond", 12), ("gold", 36), ("silver", 84), ("bronze", None)]
    assert sum(months for _tier, months in path if months) == 11 * 12


STEEP = [(*rung[:2], 40_000, 12, False) if rung[0] == "diamond" else rung for rung in JD]


def test_a_deduction_may_lead_down_several_tiers():
    assert stays(STEEP) == [("diamond", 12), ("bronze", None)]


def test_with_a_soft_landing_one_falls_one_tier_at_a_time():
    assert stays(STEEP, soft_landing=True) == [("diamond", 12), ("gold", 12), ("silver", 12), ("bronze", None)]


def test_without_deductions_nobody_falls():
    assert stays([(code, threshold, 0, 12, needs) for code, threshold, _, _, needs in JD]) == [("diamond", None)]


def test_a_ladder_without_rungs_leads_nowhere():
    assert dormancy.path([]) == []
