"""Rewards in few words, and members who want them."""

from __future__ import annotations

import datetime as dt
from itertools import count
from typing import Any

from common.services.audit import Actor
from loyalty.models import Standing, Tier
from loyalty.tests.stage import NOON, give
from members.models import Member, Plan
from rewards.models import Code, Partner, Redemption, Reward
from rewards.services import redemptions

STAFF = Actor("the test")
_numbers = count(1)


def a_tier(code: str, rank: int) -> Tier:
    return Tier.objects.get_or_create(code=code, defaults={"name": code.title(), "rank": rank})[0]


def a_reward(code: str = "", **values: Any) -> Reward:
    """An active gift of 100 points that everybody may have, unless told otherwise."""
    values = {"kind": "gift", "points": 100, "status": "active", "name": code or "Reward"} | values
    if values["kind"] == "coupon":
        values = {"codes": "own"} | values
    if values["kind"] == "partner":
        values = {"codes": "partner", "partner": a_partner()} | values
    if values["kind"] == "plan":
        plan, _made = Plan.objects.get_or_create(code="plus", defaults={"name": "PLUS"})
        values = {"plan": plan, "validity_days": 30} | values
    return Reward.objects.create(code=code or f"reward-{next(_numbers)}", **values)


def a_partner(code: str = "video") -> Partner:
    return Partner.objects.get_or_create(code=code, defaults={"name": code.title()})[0]


def a_pool(reward: Reward, *texts: str, **values: Any) -> list[Code]:
    """Codes in a partner's pool."""
    values = {"added_at": NOON, "price": reward.unit_cost} | values
    return Code.objects.bulk_create([Code(reward=reward, code=text, **values) for text in texts])


def a_member(name: str = "alice", points: int = 1000, *, tier: Tier | None = None, at: dt.datetime = NOON) -> Member:
    """A member with points and a tier."""
    give(points, name, at)
    member = Member.objects.get(external_id=name)
    if tier is not None:
        Standing.objects.filter(member=member).update(tier=tier)
    return member


def redeem(reward: Reward, name: str = "alice", at: dt.datetime = NOON, **more: Any) -> Redemption:
    return redemptions.redeem(name, reward.code, actor=STAFF, at=at, **more)


def hold(reward: Reward, name: str = "alice", at: dt.datetime = NOON, **more: Any) -> Redemption:
    return redemptions.hold(name, reward.code, actor=STAFF, at=at, **more)
