"""Benefits for the demo: the seeds' catalogue, JD-like grants, a partner that issues what others honour, and their uses.

JD's matrix is not published (domain.md 2.2): gold's free shipping from 79 yuan and single-free are; the rest is ours.
"""

from __future__ import annotations

import datetime as dt
import random

from common.models import Staff
from common.services.audit import Actor
from loyalty.models import MedalLevel, ScoreThreshold, Tier
from members.models import Member, Plan
from merchants.models import Merchant, Store
from rewards.models import Benefit, BenefitBudget, BenefitGrant, Bundle, PackItem, Period, Reward
from rewards.selectors import entitlements
from rewards.services import benefit_presets, benefits, birthdays, grants, instant_refunds, packs

# Benefit, tier and above, parameter, uses, in.
BY_TIER = [
    ("member-price", "bronze", None, None, Period.MONTH),
    ("free-shipping", "silver", 99_00, None, Period.MONTH),
    ("free-shipping", "gold", 79_00, None, Period.MONTH),
    ("free-shipping", "diamond", 59_00, None, Period.MONTH),
    ("single-free", "silver", None, 12, Period.YEAR),
    ("double-free", "diamond", None, None, Period.YEAR),
    ("vip-line", "diamond", None, None, Period.MONTH),
    ("instant-refund", "silver", 200_00, None, Period.MONTH),
    ("instant-refund", "gold", 500_00, None, Period.MONTH),
    ("instant-refund", "diamond", 2_000_00, None, Period.MONTH),
    ("parcel", "gold", None, 2, Period.MONTH),
    ("car-care", "diamond", None, 2, Period.YEAR),
    ("travel", "diamond", None, 4, Period.YEAR),
]
# What benefits hand out of the catalogue.
PACKS = [
    ("coupon-pack", "five-off", 2),
    ("coupon-pack", "twenty-off", 1),
    ("presale-gift", "mouse-pad", 1),
    ("video-year", "video-month", 1),
]
BIRTHDAY = [("silver", 100), ("gold", 300), ("diamond", 800)]
BUDGETS = [("bronze", 4_000_00), ("silver", 8_000_00), ("gold", 12_000_00), ("diamond", 20_000_00)]
PLUS = [
    ("free-shipping", 0, 60, Period.TERM),
    ("tenfold-points", 1000, None, Period.MONTH),
    ("clothing-discount", 10, None, Period.MONTH),
    ("coupon-pack", 100_00, 1, Period.MONTH),
    ("double-free", None, None, Period.YEAR),
    ("video-year", None, 1, Period.TERM),
    ("lifestyle", None, 2, Period.MONTH),
    ("health-vip", None, 3, Period.QUARTER),
]


def set_up(author: Staff, approver: Staff, at: dt.datetime) -> None:
    """Catalogue, budgets and grants, in force from `at`; a second time it changes nothing."""
    catalogue = {benefit.code: benefit for benefit in benefit_presets.install()}
    if BenefitGrant.objects.exists():
        return
    partner = Merchant.objects.get(code="lantu")
    Benefit.objects.filter(code__in=["car-care", "lifestyle"]).update(issuer=partner, settlement_price=5_00)
    rewards = {reward.code: reward for reward in Reward.objects.all()}
    for code, reward, quantity in PACKS:
        if reward in rewards:
            PackItem.objects.create(benefit=catalogue[code], reward=rewards[reward], quantity=quantity)
    tiers = {tier.code: tier for tier in Tier.objects.all()}
    BenefitBudget.objects.bulk_create(
        BenefitBudget(tier=tiers[code], monthly=monthly, margin_permille=150) for code, monthly in BUDGETS
    )
    made = [
        _draft(author, at, benefit=catalogue[code], tier=tiers[tier], value=value, quota=quota, period=period)
        for code, tier, value, quota, period in BY_TIER
    ]
    pack = _bundle("birthday-extras", "Birthday extras", [(catalogue["coupon-pack"], 20_00, 1, Period.TERM)])
    made += [
        _draft(author, at, benefit=catalogue["birthday-pack"], tier=tiers[code], value=points, pack=pack)
        for code, points in BIRTHDAY
    ]
    plus = _bundle("plus-benefits", "PLUS", [(catalogue[code], *rest) for code, *rest in PLUS])
    made.append(_draft(author, at, bundle=plus, audience="plan", plan=Plan.objects.get(code="plus")))
    made += _others(author, at, catalogue)
    second = Actor(approver.username, approver)
    for grant in made:
        grants.activate(grant, second, at, at)


def use(members: list[str], at: dt.datetime) -> None:
    """What members have made of it in the last weeks: uses here and there, a few instant refunds, packs; once."""
    birthdays.issue(at, at)
    packs.hand_out(at, at)
    chosen = list(Member.objects.filter(external_id__in=members, status=Member.Status.ACTIVE).order_by("pk")[:150])
    found = entitlements.of_many(chosen, at)
    stores = ["", *Store.objects.order_by("code").values_list("code", flat=True)[:4]]
    for member in chosen:
        chance = random.Random(f"benefits:{member.external_id}")
        for entitlement in found[member.pk]:
            code, kind = entitlement.benefit.code, entitlement.benefit.kind
            if (
                kind in (Benefit.Kind.BIRTHDAY_PACK, Benefit.Kind.INSTANT_REFUND, *Benefit.HANDED_OUT)
                or chance.random() > 0.3
            ):
                continue
            when = at - dt.timedelta(days=chance.randrange(25))
            if entitlements.find(entitlements.of(member, when), code):
                benefits.use(member, code, when, key="demo", store=chance.choice(stores))
        if chance.random() < 0.04 and any(e.benefit.kind == Benefit.Kind.INSTANT_REFUND for e in found[member.pk]):
            instant_refunds.open(
                member, f"demo-{member.external_id}", chance.randrange(20_00, 180_00), at, key="demo-refund"
            )


def _others(author: Staff, at: dt.datetime, catalogue: dict[str, Benefit]) -> list[BenefitGrant]:
    """A score threshold and a level of a medal, if the demo has them."""
    made = []
    threshold = ScoreThreshold.objects.order_by("-value").first()
    if threshold is not None:
        made.append(_draft(author, at, benefit=catalogue["vip-line"], audience="score", threshold=threshold))
    level = MedalLevel.objects.filter(medal__code="books", number=3).first()
    if level is not None:
        made.append(_draft(author, at, benefit=catalogue["presale-gift"], audience="medal", medal_level=level, quota=1))
    return made


def _draft(author: Staff, at: dt.datetime, **values) -> BenefitGrant:
    return BenefitGrant.objects.create(**{"audience": "tier", "drafted_by": author, "drafted_at": at} | values)


def _bundle(code: str, name: str, items: list[tuple]) -> Bundle:
    bundle = Bundle.objects.create(code=code, name=name)
    for benefit, value, quota, period in items:
        bundle.items.create(benefit=benefit, value=value, quota=quota, period=period)
    return bundle
