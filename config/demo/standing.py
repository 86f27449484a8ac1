"""The demo's tiers: JD's ladder and growth policy in force, and a draft of another ladder to try out."""

from __future__ import annotations

import datetime as dt

from common.models import Staff
from common.services import audit
from loyalty.models import Ladder
from loyalty.services import editions, presets


def set_up(author: Staff, approver: Staff, start: dt.datetime) -> None:
    """In force from `start`; a second time it changes nothing."""
    if Ladder.objects.exists():
        return
    by = audit.Actor(label=approver.username, staff=approver)
    editions.publish(presets.draft_growth_policy(author, start), by, start, start)
    ladder = editions.publish(presets.draft_ladder(author, start), by, start, start)
    draft = editions.draft_from(ladder, audit.Actor(label=author.username, staff=author), start)
    draft.note = "A try: gold from 8,000, a soft landing"
    draft.soft_landing = True
    draft.save()
    draft.rungs.filter(tier__code="gold").update(threshold=8_000)
