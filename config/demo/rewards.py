"""Rewards for the demo: the seeds' ways to spend points (S1-46, S2-29…33), a partner's codes, and what members took."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from common.models import Staff
from common.problems import Problem
from common.services.audit import Actor
from loyalty.models import Tier
from members.models import Member, Plan
from merchants.models import Merchant
from rewards.models import Partner, Redemption, Reward
from rewards.services import code_pools, codes, fulfilment, redemptions, rewards

_SHOP = Actor("the demo's shop")
POOL = 300

# Code, name, kind, symbol, colour, points, what one costs us and is worth to a member, and what else is said.
SHELF: list[tuple[str, str, str, str, str, int, int, int, dict[str, Any]]] = [
    (
        "five-off",
        "5 yuan off books",
        "coupon",
        "confirmation_number",
        "#16a34a",
        300,
        3_00,
        5_00,
        {"validity_days": 14, "off_amount": 5_00, "only_categories": "books"},
    ),
    (
        "twenty-off",
        "20 yuan off 199",
        "coupon",
        "sell",
        "#0891b2",
        1000,
        8_00,
        20_00,
        {"validity_days": 30, "off_amount": 20_00, "least_spend": 199_00},
    ),
    ("mouse-pad", "Mouse pad", "gift", "mouse", "#64748b", 400, 2_50, 19_00, {"stock": 40, "limit_ever": 1}),
    ("coffee-mug", "Coffee mug", "gift", "coffee", "#b45309", 900, 9_00, 39_00, {"stock": 25, "limit_month": 1}),
    ("headphones", "Headphones", "gift", "headphones", "#7c3aed", 3000, 150_00, 399_00, {"cash": 99_00, "stock": 10}),
    ("reading", "50-yuan reading voucher", "partner", "menu_book", "#2563eb", 100, 50, 50_00, {"limit_ever": 1}),
    ("video-month", "A month of video", "partner", "movie", "#db2777", 1500, 5_00, 25_00, {}),
    ("video-year", "A year of video", "partner", "movie", "#be185d", 15_000, 60_00, 250_00, {"validity_days": 365}),
    ("plus-month", "A month of PLUS", "plan", "workspace_premium", "#ca8a04", 2000, 6_00, 14_90, {"validity_days": 30}),
    ("tree", "Plant a tree", "donation", "forest", "#15803d", 300, 3_00, 3_00, {}),
]

SPONSORS = {"coffee-mug": ("lantu", 40), "five-off": ("moxiang", 50)}
"""Which merchant bears how many per cent of the cost; their people can sign in and see it."""


def set_up(author: Staff, approver: Staff, at: dt.datetime) -> None:
    """The catalogue with a pool of codes, activated from `at`; a second time it changes nothing."""
    if Reward.objects.exists():
        return
    partner = Partner.objects.create(
        code="reading-and-video", name="Reading & Video", instructions="At partner.example"
    )
    links: dict[str, dict[str, Any]] = {
        "coupon": {"codes": "own"},
        "partner": {"codes": "partner", "partner": partner},
        "plan": {"plan": Plan.objects.get(code="plus")},
    }
    merchants = Merchant.objects.in_bulk(field_name="code")
    sponsored = {
        code: {"merchant": merchants[name], "merchant_percent": share} for code, (name, share) in SPONSORS.items()
    }
    second = Actor(approver.username, approver)
    for code, name, kind, symbol, colour, points, cost, value, more in SHELF:
        reward = Reward.objects.create(
            code=code, name=name, kind=kind, symbol=symbol, colour=colour, points=points, unit_cost=cost,
            perceived_value=value, created_by=author, **links.get(kind, {}), **more,
            **sponsored.get(code, {}),
        )  # fmt: skip
        if kind == "partner":
            chance = random.Random(f"codes:{code}")
            code_pools.add([code_pools.NewCode(reward, codes.spell(chance.choice)) for _ in range(POOL)], at)
        rewards.activate(reward, second, at)
    Reward.objects.get(code="coffee-mug").prices.create(tier=Tier.objects.get(code="gold"), points=700)


def use(members: list[str], at: dt.datetime) -> None:
    """What members took: each tries one or two rewards, once; some coupons are used, some parcels are on their way."""
    chosen = Member.objects.filter(external_id__in=members, status=Member.Status.ACTIVE).order_by("pk")[:150]
    for member in chosen:
        chance = random.Random(f"rewards:{member.external_id}")
        for number, (code, *_rest) in enumerate(chance.sample(SHELF, chance.randint(1, 2))):
            try:
                taken = redemptions.redeem(member.external_id, code, key=f"demo-{number}", actor=_SHOP, at=at)
            except Problem:
                continue  # too few points, too low a tier, out of stock: as in life
            _go_on(taken, chance.random(), at)


def _go_on(taken: Redemption, luck: float, at: dt.datetime) -> None:
    """Where the redemption has got to; one that was there before stays where it is."""
    if taken.status == Redemption.Status.PLACED and luck < 0.6:
        fulfilment.fulfil(taken.uuid, actor=_SHOP, at=at)
        if luck < 0.4:
            fulfilment.ship(taken.uuid, tracking=f"SF-{taken.pk:06}", actor=_SHOP, at=at)
    elif taken.status == Redemption.Status.DELIVERED and luck < 0.3:
        fulfilment.use(taken.uuid, reason="At the checkout", actor=_SHOP, at=at)
    elif taken.status == Redemption.Status.DELIVERED and luck > 0.95:
        redemptions.give_back(taken.uuid, reason="Not needed", actor=_SHOP, at=at)
