import pytest

from members.models import PlanOffer
from members.services import plan_refunds
from members.services.plan_refunds import Use

P = PlanOffer.Refunds
FEE = 14_900


@pytest.mark.parametrize(
    ("policy", "day", "use", "back"),
    [
        # domain.md F23, fee 149.00
        (P.UNUSED, 0, Use(), 14_900),
        (P.PRORATA, 3, Use(), 14_777),
        (P.PRORATA, 100, Use(True, 3_000), 10_817),
        (P.BENEFIT, 100, Use(True, 3_000), 11_900),
        (P.LEAST, 100, Use(True, 3_000), 10_817),
        (P.BENEFIT, 100, Use(True, 20_000), 0),
        # C21: within seven times 24 hours, and nothing received or used.
        (P.UNUSED, 6, Use(), 14_900),
        (P.UNUSED, 7, Use(), 0),
        (P.UNUSED, 0, Use(used=True), 0),
        (P.PRORATA, 400, Use(), 0),
        # E55: a partner's right that was claimed is deducted at its contract price; nobody pays in.
        (P.PRORATA, 3, Use(True, 0, 6_000), 14_777 - 6_000),
        (P.BENEFIT, 100, Use(True, 3_000, 6_000), 14_900 - 3_000 - 6_000),
        (P.LEAST, 100, Use(True, 3_000, 6_000), 10_817 - 6_000),
        (P.PRORATA, 300, Use(True, 0, 6_000), 0),
        (P.UNUSED, 0, Use(True, 0, 6_000), 0),
    ],
)
def test_each_policy_gives_what_it_says(policy, day, use, back):
    assert plan_refunds.amount(policy, FEE, 365, day, use) == back
