"""What a programme can begin with: JD's ladder and growth policy of 2013 to 2017, as drafts (domain.md section 2.2)."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from common.models import Staff
from loyalty.models import GrowthPolicy, Ladder, Rung, Tier

# Code, name, colour, icon; threshold, deduction, months valid; what its benefits cost a member and year, in fen (ours).
TIERS = (
    ("registered", "Registered", "#94a3b8", "person", 0, 0, None, 0),
    ("bronze", "Bronze", "#b08d57", "workspace_premium", 0, 0, None, 500),
    ("silver", "Silver", "#9aa5b1", "military_tech", 2_000, 1_000, 12, 3_000),
    ("gold", "Gold", "#d4a72c", "star", 10_000, 4_000, 12, 12_000),
    ("diamond", "Diamond", "#4aa3df", "diamond", 30_000, 10_000, 12, 60_000),
)


@transaction.atomic
def draft_ladder(author: Staff | None, at: dt.datetime) -> Ladder:
    """A draft of JD's ladder; tiers of these codes that are there already stay as they are."""
    ladder = Ladder.objects.create(note="JD, 2013 to 2017", drafted_by=author, drafted_at=at)
    for rank, (code, name, colour, icon, threshold, deduction, months, cost) in enumerate(TIERS):
        tier, _made = Tier.objects.get_or_create(
            code=code, defaults={"name": name, "rank": rank, "colour": colour, "icon": icon}
        )
        Rung.objects.create(
            ladder=ladder,
            tier=tier,
            threshold=threshold,
            deduction=deduction,
            validity_months=months,
            needs_order=code == "bronze",
            benefit_cost=cost,
        )
    return ladder


def draft_growth_policy(author: Staff | None, at: dt.datetime) -> GrowthPolicy:
    """A draft of JD's growth policy: the model's defaults."""
    return GrowthPolicy.objects.create(note="JD, 2013 to 2017", drafted_by=author, drafted_at=at)
