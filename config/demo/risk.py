"""Risk in the demo: some of the known rules in force, some in shadow, a month of attempts, an appeal and a denied device."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from common.models import Staff
from common.services.audit import Actor
from loyalty.services import conduct_ratings
from members.models import RiskListing, RiskRefusal, RiskRule
from members.models.risk_words import Action
from members.services import identities, risk_appeals, risk_guards, risk_listings, risk_presets, risk_rules
from members.services.risk_guards import Attempt

DAY, MINUTE = dt.timedelta(days=1), dt.timedelta(minutes=1)
IN_FORCE = ("redemption-velocity", "review-farming", "coupon-hoarding", "sign-up-device")
IN_SHADOW = ("transfer-funnel", "like-ring")
SPREE, HOARD = 8, 14
"""How often somebody redeems in a row, and how many coupons one device claims in a day, where it goes too far."""


def set_up(author: Staff, approver: Staff, decider: Staff, names: Sequence[str], end: dt.datetime) -> None:
    """Rules that began a month before `end`, and what they met since; a second time it changes nothing."""
    if RiskRule.objects.exists() or len(names) < 4:
        return
    begin = end - 30 * DAY
    for version in risk_presets.install(author, begin):
        if version.rule.code in IN_FORCE:
            risk_rules.activate(version, Actor(approver.username, approver), begin)
        elif version.rule.code in IN_SHADOW:
            risk_rules.watch(version, Actor(author.username, author), begin)
    for number in range(30):
        risk_guards.judge(_day(number, names, begin + number * DAY), end)
    _contest(decider, end)
    farm = RiskListing(
        kind=RiskListing.Kind.DENY,
        by=RiskListing.By.DEVICE,
        subject=identities.mark("device", "demo-farm"),
        reason="Forty accounts on one phone",
        starts_at=end - 3 * DAY,
        ends_at=end + 90 * DAY,
    )
    risk_listings.enter(farm, Actor(decider.username, decider), end)
    conduct_ratings.rate(end, end)


def _day(number: int, names: Sequence[str], at: dt.datetime) -> list[Attempt]:
    """What the shop asked about on one day: a few redemptions; now and then a spree, a hoard, points sent to one hand."""
    at += 10 * 60 * MINUTE
    buyer, other = names[number % len(names)], names[(number * 7 + 3) % len(names)]
    asked = [Attempt(Action.REDEMPTION, name, at + n * MINUTE) for n, name in enumerate((buyer, other, buyer))]
    if number % 6 == 2:
        asked += [Attempt(Action.REDEMPTION, buyer, at + (5 + n) * MINUTE) for n in range(SPREE)]
    if number % 9 == 4:
        device = identities.mark("device", "demo-hoard")
        asked += [Attempt(Action.COUPON, names[n % len(names)], at + n * MINUTE, device=device) for n in range(HOARD)]
    if number % 10 == 7:
        asked += [Attempt(Action.TRANSFER, names[n % len(names)], at + n * MINUTE, other=other) for n in range(HOARD)]
    return asked


def _contest(decider: Staff, end: dt.datetime) -> None:
    """Two members contest what they met: one was right, the other waits."""
    met = RiskRefusal.objects.filter(is_shadow=False, member__isnull=False).order_by("pk")
    first, last = met.first(), met.last()
    if first is None or last is None or first == last:
        return
    appeal = risk_appeals.file(first, "I bought gifts for the whole class.", Actor(f"member:{first.subject}"), end)
    risk_appeals.uphold(
        appeal, note="A school's order, checked.", spare_days=30, actor=Actor(decider.username, decider), at=end
    )
    risk_appeals.file(last, "My phone was stolen, it was not me.", Actor(f"member:{last.subject}"), end)
