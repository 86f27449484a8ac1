"""Members decide whether others see their medals (domain.md S1-36)."""

from __future__ import annotations

import datetime as dt

from loyalty.models import MedalDisplay
from members.models import Member


def choose(member: Member, is_shown: bool, at: dt.datetime) -> MedalDisplay:
    """Show the member's medals to others, or not; the last word counts."""
    display, _made = MedalDisplay.objects.update_or_create(
        member=member, defaults={"is_shown": is_shown, "said_at": at}
    )
    return display
