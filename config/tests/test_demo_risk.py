"""The demo's risk rules have met somebody, and somebody has contested it."""

import pytest

from config.demo import catalogue, risk, staff
from loyalty.tests.stage import NOON, give
from members.models import RiskAppeal, RiskListing, RiskRefusal, RiskRuleVersion

pytestmark = pytest.mark.django_db


def test_rules_have_met_somebody_and_a_second_run_changes_nothing():
    catalogue.open_stores()
    staff.hire()
    names = [f"m-{number}" for number in range(12)]
    for name in names:
        give(10, name, at=NOON)
    olivia, rita, felix = (staff.find(name) for name in ("olivia", "rita", "felix"))
    for _run in range(2):
        risk.set_up(olivia, rita, felix, names, NOON)
    assert set(RiskRuleVersion.objects.values_list("mode", flat=True)) == {"active", "shadow", "draft"}
    met = RiskRefusal.objects.values_list("action", "is_shadow").distinct().order_by("action")
    assert list(met) == [("coupon", False), ("redemption", False), ("transfer", True)]
    assert sorted(RiskAppeal.objects.values_list("status", flat=True)) == ["open", "upheld"]
    assert RiskListing.objects.filter(by="device").count() == 1
