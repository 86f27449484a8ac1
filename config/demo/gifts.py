"""The demo's gift campaigns: a warm-up by tier, thanks for each year, a win-back, and a draft of a rescue (S1-53, S2-16)."""

from __future__ import annotations

import datetime as dt

from common import clock
from common.models import Staff
from common.services import audit
from loyalty.models import GiftAmount, GiftCampaign, Tier
from loyalty.services import gift_campaigns

Trigger = GiftCampaign.Trigger


def set_up(author: Staff, approver: Staff, start: dt.datetime, end: dt.datetime) -> None:
    """Written and started before the first event; the nights of the story give. A second time it changes nothing."""
    if GiftCampaign.objects.exists():
        return
    actor = audit.Actor(label=approver.username, staff=approver)
    warm_up = _draft(
        author, "warm-up-618", "618 warm-up 618 预热礼", {"": 50, "silver": 100, "gold": 200, "diamond": 618}, Trigger.ONCE,
        starts_at=_before_618(start, end), ends_at=end, budget=100_000, holdout_percent=30, seed="618" + "0" * 29,
    )  # fmt: skip
    years = _draft(
        author, "another-year", "Thanks for another year 周年礼", {"": 30}, Trigger.ANNIVERSARY,
        starts_at=start, ends_at=end + dt.timedelta(days=365), budget=50_000, holdout_percent=10, seed="1" * 32,
    )  # fmt: skip
    back = _draft(
        author, "come-back", "We miss you 好久不见", {"": 200}, Trigger.LAPSE,
        starts_at=start, ends_at=end + dt.timedelta(days=365), budget=20_000, holdout_percent=20, rest_days=30, seed="2" * 32,
    )  # fmt: skip
    for campaign in (warm_up, years, back):
        gift_campaigns.start(campaign, actor, start)
    _draft(
        author, "use-them", "Use your points 积分别浪费", {"": 0}, Trigger.EXPIRY,
        starts_at=end, ends_at=end + dt.timedelta(days=90), budget=1_000, holdout_percent=20, near_points=100,
    )  # fmt: skip


def _draft(author: Staff, code: str, name: str, amounts: dict[str, int], trigger: str, **values) -> GiftCampaign:
    campaign = GiftCampaign.objects.create(code=code, name=name, trigger=trigger, created_by=author, **values)
    for tier, points in amounts.items():
        row = Tier.objects.get(code=tier) if tier else None
        GiftAmount.objects.create(campaign=campaign, tier=row, points=points)
    return campaign


def _before_618(start: dt.datetime, end: dt.datetime) -> dt.datetime:
    """The first of June if the time that is told has one, else a third of it."""
    june = clock.day_start(dt.date(clock.local_date(end).year, 6, 1))
    return june if start < june < end else start + (end - start) / 3
