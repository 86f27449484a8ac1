"""Ready-made segments (domain.md S1-12, S1-53, F14, F24). What their limits are is ours; operators change them."""

from __future__ import annotations

import datetime as dt

from common.models import Staff
from common.services import audit
from loyalty.models import LifecyclePolicy, Segment, SegmentCondition
from loyalty.services import editions

Attribute, Operator = SegmentCondition.Attribute, SegmentCondition.Operator

Groups = list[list[tuple[SegmentCondition.Attribute, SegmentCondition.Operator, str]]]

STAGES = {
    "prospect": "Prospects",
    "new": "New",
    "active": "Active",
    "at_risk": "At risk",
    "lapsed": "Lapsed",
    "returning": "Returning",
}
# Code: name, description, groups of conditions; one group is enough.
SEGMENTS = {
    "high-value": (
        "High value",
        "Active, contributing, of low risk (S1-12): the best two fifths in recency, frequency and money, who return little.",
        [
            [
                (Attribute.R, Operator.AT_LEAST, "4"),
                (Attribute.F, Operator.AT_LEAST, "4"),
                (Attribute.M, Operator.AT_LEAST, "4"),
                (Attribute.RETURNS, Operator.LESS_THAN, "10"),
                (Attribute.COEFFICIENT, Operator.AT_LEAST, "100"),
            ]
        ],
    ),
    "champions": (
        "Champions",
        "The best fifth in recency, frequency and money.",
        [[(Attribute.RFM, Operator.IS, "555")]],
    ),
    "loyal": (
        "Loyal",
        "Order on many days and still do.",
        [
            [
                (Attribute.F, Operator.AT_LEAST, "4"),
                (Attribute.R, Operator.AT_LEAST, "3"),
                (Attribute.LIFECYCLE, Operator.IS, "active"),
            ]
        ],
    ),
    "promising": (
        "Promising",
        "Ordered lately, but not often yet.",
        [[(Attribute.R, Operator.AT_LEAST, "4"), (Attribute.F, Operator.LESS_THAN, "4")]],
    ),
    "big-spenders-at-risk": (
        "Big spenders at risk",
        "Spent much and have become silent: call them before they lapse.",
        [[(Attribute.M, Operator.AT_LEAST, "4"), (Attribute.LIFECYCLE, Operator.IS, "at_risk")]],
    ),
    "voices": (
        "Voices",
        "Help others with reviews: three with photos, or ten in all, in 12 months.",
        [[(Attribute.PHOTO_REVIEWS, Operator.AT_LEAST, "3")], [(Attribute.REVIEWS, Operator.AT_LEAST, "10")]],
    ),
    "win-back": (
        "Win back",
        "Lapsed, and spent more than the lower two fifths: worth a call. They are never new members again (S1-53).",
        [[(Attribute.LIFECYCLE, Operator.IS, "lapsed"), (Attribute.M, Operator.AT_LEAST, "3")]],
    ),
}


def set_up(author: Staff, approver: Staff, start: dt.datetime) -> None:
    """The life-cycle policy in force from `start`, and a segment for each stage and each recipe; a second time nothing."""
    if not LifecyclePolicy.objects.exists():
        policy = LifecyclePolicy.objects.create(note="F24", drafted_by=author, drafted_at=start)
        editions.publish(policy, audit.Actor(label=approver.username, staff=approver), start, start)
    stages = {
        value.replace("_", "-"): (
            label,
            f"Members whose life cycle is “{label}”.",
            [[(Attribute.LIFECYCLE, Operator.IS, value)]],
        )
        for value, label in STAGES.items()
    }
    for code, (name, description, groups) in {**stages, **SEGMENTS}.items():
        segment, made = Segment.objects.get_or_create(
            code=code, defaults={"name": name, "description": description, "kind": Segment.Kind.RULED}
        )
        if made:
            _put(segment, groups)


def _put(segment: Segment, groups: Groups) -> None:
    SegmentCondition.objects.bulk_create(
        SegmentCondition(segment=segment, group=number, attribute=attribute, operator=operator, value=value)
        for number, conditions in enumerate(groups, 1)
        for attribute, operator, value in conditions
    )
