"""Risk rules in few words: who drafts, who puts in force, and attempts at an instant."""

from __future__ import annotations

import datetime as dt
from itertools import count

from common.models import Staff
from common.services.audit import Actor
from members.models import RiskRule, RiskRuleVersion
from members.services import risk_guards, risk_rules
from members.services.risk_guards import Attempt

NOON = dt.datetime(2026, 3, 1, 4, 0, tzinfo=dt.UTC)
DAY, MINUTE = dt.timedelta(days=1), dt.timedelta(minutes=1)
_numbers = count(1)


def person(name: str) -> Actor:
    return Actor(name, Staff.objects.get_or_create(username=name)[0])


def draft(action: str = "redemption", limit: int = 2, window: int = 60, *, code: str = "", **more) -> RiskRuleVersion:
    """Written by Olivia."""
    rule = RiskRule.objects.create(code=code or f"rule-{next(_numbers)}", name="Too many")
    values = {
        "reason_en": "Too often.",
        "reason_zh": "次数过多。",
        "created_at": NOON - DAY,
        "effective_from": NOON - 365 * DAY,
    } | more
    return RiskRuleVersion.objects.create(
        rule=rule,
        number=1,
        action=action,
        limit=limit,
        window_minutes=window,
        created_by=person("olivia").staff,
        **values,
    )


def in_force(action: str = "redemption", limit: int = 2, window: int = 60, *, at=NOON - DAY, **more) -> RiskRuleVersion:
    """Put in force by Rita."""
    return risk_rules.activate(draft(action, limit, window, **more), person("rita"), at)


def attempt(subject: str = "alice", at: dt.datetime = NOON, action: str = "redemption", **more) -> Attempt:
    return Attempt(action, subject, at, **more)


def passes(subject: str = "alice", at: dt.datetime = NOON, action: str = "redemption", **more) -> bool:
    """Whether an attempt is let through."""
    return risk_guards.check(attempt(subject, at, action, **more), at) is None
