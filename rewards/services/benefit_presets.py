"""The catalogue of benefits that the seeds name (domain.md S1-07, S1-18, S1-19, S1-21, S2-09…16), to begin with.

Costs and expected uses are ours: JD's are not published. Money in minor units.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from rewards.models import Benefit

Kind, MONEY, TROUBLE = Benefit.Kind, Benefit.Saves.MONEY, Benefit.Saves.TROUBLE
PROMOTION = Benefit.Mode.PROMOTION


class Preset(NamedTuple):
    """A benefit as it is first; `more` are further columns."""

    code: str
    name: str
    kind: str
    saves: str
    icon: str
    colour: str
    unit_cost: int
    expected_permille: int
    description: str
    more: dict[str, Any] = {}


PRESETS = [
    Preset("free-shipping", "Free shipping", Kind.FREE_SHIPPING, MONEY, "local_shipping", "#0369a1", 6_00, 1500,
           "No freight from an amount on."),
    Preset("member-price", "Member prices", Kind.MEMBER_PRICE, MONEY, "sell", "#b45309", 1_50, 800,
           "Marked goods cost members less."),
    Preset("clothing-discount", "10 % off clothing", Kind.CATEGORY_DISCOUNT, MONEY, "checkroom", "#a21caf", 4_00, 120,
           "Every piece of clothing costs less.", {"category": "fashion"}),
    Preset("tenfold-points", "Tenfold points", Kind.POINT_REBATE, MONEY, "toll", "#ca8a04", 90, 1500,
           "Ten times the points on purchases."),
    Preset("coupon-pack", "Coupons for everything", Kind.COUPON_PACK, MONEY, "confirmation_number", "#dc2626", 8_00, 600,
           "A pack of coupons for all categories, every month."),
    Preset("free-returns", "Free returns from the door", Kind.FREE_RETURNS, MONEY, "assignment_return", "#0f766e", 9_00,
           60, "We fetch what you do not like."),
    Preset("single-free", "After-sales: one way free", Kind.SINGLE_FREE, MONEY, "looks_one", "#0e7490", 5_00, 30,
           "The way back to you is free."),
    Preset("double-free", "After-sales: both ways free", Kind.DOUBLE_FREE, MONEY, "looks_two", "#155e75", 10_00, 30,
           "Both ways are free."),
    Preset("birthday-pack", "Birthday pack", Kind.BIRTHDAY_PACK, MONEY, "cake", "#db2777", 0, 83,
           "A surprise around your birthday."),
    Preset("presale-gift", "Gift before the sale", Kind.PRESALE_GIFT, MONEY, "featured_seasonal_and_gifts", "#be185d",
           12_00, 40, "A small gift in the days before the big sale.", {"mode": PROMOTION}),
    Preset("video-year", "A year of video", Kind.PARTNER_RIGHT, MONEY, "smart_display", "#7c3aed", 60_00, 20,
           "A year of the partner's video platform."),
    Preset("vip-line", "VIP line", Kind.VIP_LINE, TROUBLE, "support_agent", "#1d4ed8", 3_00, 80,
           "A person answers at once."),
    Preset("instant-refund", "Instant refund", Kind.INSTANT_REFUND, TROUBLE, "bolt", "#16a34a", 50, 40,
           "The money is back before the parcel is."),
    Preset("replacement", "Replacement instead of repair", Kind.REPLACEMENT, TROUBLE, "published_with_changes",
           "#4d7c0f", 40_00, 5, "What breaks in the first half-year is replaced."),
    Preset("health-vip", "Health VIP", Kind.HEALTH, TROUBLE, "health_and_safety", "#e11d48", 5_00, 30,
           "A family doctor to ask."),
    Preset("consultation", "Online consultation", Kind.CONSULTATION, TROUBLE, "stethoscope", "#0891b2", 15_00, 20,
           "A doctor answers online."),
    Preset("lifestyle", "Lifestyle privileges", Kind.LIFESTYLE, TROUBLE, "spa", "#9333ea", 4_00, 50,
           "Coffee, cinema, fitness and more with partners."),
    Preset("travel", "Travel lounge", Kind.TRAVEL, TROUBLE, "flight", "#0284c7", 80_00, 5, "The lounge at the airport."),
    Preset("car-care", "Car care", Kind.CAR_CARE, TROUBLE, "local_car_wash", "#475569", 20_00, 10,
           "A wash and a check of the car."),
    Preset("parcel", "Free parcel", Kind.PARCEL, TROUBLE, "package_2", "#92400e", 7_00, 25, "Send a parcel for nothing."),
]  # fmt: skip


def install() -> list[Benefit]:
    """The presets that the catalogue lacks; what is there stays as operators have made it. Returns them all."""
    known = Benefit.objects.in_bulk([preset.code for preset in PRESETS], field_name="code")
    new = [
        Benefit(**{name: value for name, value in preset._asdict().items() if name != "more"}, **preset.more)
        for preset in PRESETS
        if preset.code not in known
    ]
    Benefit.objects.bulk_create(new)
    return list(Benefit.objects.filter(code__in=[preset.code for preset in PRESETS]))
