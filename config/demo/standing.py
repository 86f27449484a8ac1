"""The demo's tiers: JD's ladder and growth policy of 2013 to 2017 (domain.md section 2.2), and a draft to try out."""

from __future__ import annotations

import datetime as dt

from common.models import Staff
from common.services import audit
from loyalty.models import GrowthPolicy, Ladder, Rung, Tier
from loyalty.services import editions

# Code, name, colour, icon; threshold, deduction, months valid; what its benefits cost a member and year, in fen.
TIERS = (
    ("registered", "Registered", "#94a3b8", "person", 0, 0, None, 0),
    ("bronze", "Bronze", "#b08d57", "workspace_premium", 0, 0, None, 500),
    ("silver", "Silver", "#9aa5b1", "military_tech", 2_000, 1_000, 12, 3_000),
    ("gold", "Gold", "#d4a72c", "star", 10_000, 4_000, 12, 12_000),
    ("diamond", "Diamond", "#4aa3df", "diamond", 30_000, 10_000, 12, 60_000),
)


def set_up(author: Staff, approver: Staff, start: dt.datetime) -> None:
    """In force from `start`; a second time it changes nothing."""
    if Ladder.objects.exists():
        return
    by = audit.Actor(label=approver.username, staff=approver)
    policy = GrowthPolicy.objects.create(note="JD, 2015", drafted_by=author, drafted_at=start)
    editions.publish(policy, by, start, start)
    ladder = Ladder.objects.create(note="JD, 2013 to 2017", drafted_by=author, drafted_at=start)
    for rank, (code, name, colour, icon, threshold, deduction, months, cost) in enumerate(TIERS):
        tier, _made = Tier.objects.update_or_create(
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
    editions.publish(ladder, by, start, start)
    draft = editions.draft_from(ladder, audit.Actor(label=author.username, staff=author), start)
    draft.note = "A try: gold from 8,000, a soft landing"
    draft.soft_landing = True
    draft.save()
    draft.rungs.filter(tier__code="gold").update(threshold=8_000)
