"""Medals for the demo: one for each of the shop's 21 categories, and five for what members do (domain.md S1-35).

JD's list, weights and lines are not published; these are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from config.demo.catalogue import CATEGORIES
from loyalty.models import CustomEventType, Medal, MedalLevel

_REVIEW = Medal.Behaviour.REVIEW
_PHOTO = Medal.Behaviour.PHOTO_REVIEW
_SHARE = Medal.Behaviour.SHARE
_EVENT = Medal.Behaviour.EVENT

# Category: name, icon, colour.
LOOKS = {
    "phones": ("Phones", "smartphone", "#1d4ed8"),
    "computers": ("Computers", "computer", "#4338ca"),
    "tablets": ("Tablets", "tablet", "#6d28d9"),
    "cameras": ("Cameras", "camera", "#334155"),
    "audio": ("Audio", "headphones", "#7e22ce"),
    "appliances": ("Appliances", "kitchen", "#0e7490"),
    "kitchen": ("Kitchen", "skillet", "#b45309"),
    "furniture": ("Furniture", "chair", "#92400e"),
    "home_textiles": ("Home textiles", "bed", "#9d174d"),
    "lighting": ("Lighting", "lightbulb", "#a16207"),
    "tools": ("Tools", "construction", "#57534e"),
    "books": ("Books", "menu_book", "#15803d"),
    "stationery": ("Stationery", "edit", "#0369a1"),
    "toys": ("Toys", "toys", "#c2410c"),
    "baby": ("Baby", "child_friendly", "#be185d"),
    "fashion": ("Fashion", "checkroom", "#a21caf"),
    "shoes": ("Shoes", "steps", "#7c2d12"),
    "beauty": ("Beauty", "spa", "#db2777"),
    "sports": ("Sports", "sports_soccer", "#047857"),
    "food": ("Food", "restaurant", "#b91c1c"),
    "top_ups": ("Digital", "sim_card", "#0f766e"),
}

LEVELS = ("Bronze", "Silver", "Gold", "Platinum", "Diamond")
# From so many orders' worth of score on; the highest level is for the best one in twenty.
_ORDERS = (1, 3, 6, 10)
_BEST_PERMILLE = 50
_PER_DAY = 10


@dataclass(frozen=True, slots=True)
class Badge:
    """A medal for what members do; `event` names an event type of the operators' own."""

    code: str
    name: str
    icon: str
    colour: str
    behaviour: str
    counts: tuple[int, ...]
    event: str = ""


BADGES = [
    Badge("photographer", "Photographer", "photo_camera", "#0891b2", _PHOTO, (1, 5, 15, 40)),
    Badge("reviewer", "Reviewer", "rate_review", "#4f46e5", _REVIEW, (1, 10, 30, 80)),
    Badge("ambassador", "Ambassador", "share", "#16a34a", _SHARE, (1, 10, 30, 100)),
    Badge("adviser", "Adviser", "contact_support", "#ca8a04", _EVENT, (1, 10, 30, 100), "app.question_answered"),
    Badge("host", "Host", "group_add", "#e11d48", _EVENT, (1, 3, 10, 25), "app.friend_invited"),
]


def set_up() -> None:
    """The medals with their levels. What is there already stays as operators have made it."""
    for category, (name, icon, colour) in LOOKS.items():
        typical, _stores = CATEGORIES[category]
        medal, made = Medal.objects.get_or_create(
            code=category.replace("_", "-"),
            defaults={
                "name": name,
                "description": f"For members who love {name.lower()}.",
                "icon": icon,
                "colour": colour,
                "money_unit": max(typical // 10, 1),
                "per_day": _PER_DAY,
                "per_content": 5,
            },
        )
        if made:
            medal.categories.create(category=category)
            _add_levels(medal, [orders * (10 + _PER_DAY) for orders in _ORDERS], best=True)
    for badge in BADGES:
        medal, made = Medal.objects.get_or_create(
            code=badge.code,
            defaults={
                "name": badge.name,
                "kind": Medal.Kind.BEHAVIOUR,
                "icon": badge.icon,
                "colour": badge.colour,
                "behaviour": badge.behaviour,
                "event_type": _event_type(badge.event) if badge.event else None,
            },
        )
        if made:
            _add_levels(medal, badge.counts)


def _event_type(name: str) -> CustomEventType:
    schema = {"type": "object", "additionalProperties": True}
    return CustomEventType.objects.get_or_create(name=name, defaults={"schema": schema})[0]


def _add_levels(medal: Medal, scores, *, best: bool = False) -> None:
    """Levels from these scores on; each level's benefits cost twice those of the one below."""
    levels = [
        MedalLevel(
            medal=medal,
            number=number,
            name=LEVELS[number - 1],
            score=score,
            benefits=f"{2 * number} % off with a coupon every quarter." if medal.kind == Medal.Kind.CATEGORY else "",
            benefit_cost=2_50 * 2**number if medal.kind == Medal.Kind.CATEGORY else 0,
        )
        for number, score in enumerate(scores, 1)
    ]
    if best:
        top = len(LEVELS)
        levels.append(
            MedalLevel(
                medal=medal,
                number=top,
                name=LEVELS[-1],
                share_permille=_BEST_PERMILLE,
                benefits="First choice of new products.",
                benefit_cost=2_50 * 2**top,
            )
        )
    MedalLevel.objects.bulk_create(levels)
