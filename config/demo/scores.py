"""The demo's value score: one policy and its named lines. JD publishes neither weights nor limits; these are ours."""

from __future__ import annotations

import datetime as dt

from common.models import Staff
from common.services import audit
from config.demo.habits import QUIZ
from loyalty.models import (
    CurvePoint,
    CustomEventType,
    Dimension,
    ScoreDimension,
    ScorePolicy,
    ScoreSource,
    ScoreThreshold,
)
from loyalty.services import editions

Kind = ScoreSource.Kind

# Code, weight in per cent, at most.
DIMENSIONS = (
    (Dimension.CONSUMPTION, 100, 20_000),
    (Dimension.ACTIVITY, 100, 5_000),
    (Dimension.ACCOUNT, 100, 500),
    (Dimension.REPUTATION, 100, 500),
    (Dimension.CREDIT, 50, 1_000),
)

# Spending counts in full at first and ever less; conduct begins in full and is lost; credit below 40 counts nothing.
CURVES = {
    Dimension.CONSUMPTION: ((0, 0), (5_000, 5_000), (20_000, 12_500), (60_000, 20_000)),
    Dimension.REPUTATION: ((-300, -500), (-100, 0), (0, 500)),
    Dimension.CREDIT: ((40, 0), (100, 1_000)),
}

SOURCES = (
    (Dimension.CONSUMPTION, Kind.CASH, 1, {"cap_order": 2_000, "cap_month": 10_000, "cap_store": 5_000}),
    (Dimension.CONSUMPTION, Kind.NEW_CATEGORY, 50, {"cap_month": 100}),
    (Dimension.ACTIVITY, Kind.LOGIN, 2, {"cap_month": 30}),
    (Dimension.ACTIVITY, Kind.CHECK_IN, 3, {"cap_month": 45}),
    (Dimension.ACTIVITY, Kind.SHOPPING_DAY, 20, {"cap_month": 100}),
    (Dimension.ACTIVITY, Kind.REVIEW, 20, {"cap_day": 60, "cap_month": 200}),
    (Dimension.ACTIVITY, Kind.PHOTO_REVIEW, 30, {"cap_day": 90, "cap_month": 300}),
    (Dimension.ACTIVITY, Kind.SHARE, 5, {"cap_month": 50}),
    (Dimension.ACCOUNT, Kind.REAL_NAME, 100, {}),
    (Dimension.ACCOUNT, Kind.PHONE, 50, {}),
    (Dimension.ACCOUNT, Kind.BIRTHDAY, 30, {}),
    (Dimension.ACCOUNT, Kind.YEAR, 20, {}),
    (Dimension.REPUTATION, Kind.RETURN, -20, {"cap_month": 100}),
    (Dimension.REPUTATION, Kind.REFUSAL, -50, {}),
    (Dimension.CREDIT, Kind.CREDIT, 1, {}),
)

# domain.md 2.3 and section 7; the discount asks for more than 4,500 (S1-16).
THRESHOLDS = (
    ("birthday", "Birthday gift and free returns", 201, False),
    ("birthday-coupon", "Birthday coupon", 500, False),
    ("plus-discount", "Discount on PLUS", 4_500, True),
    ("gift-pack", "Gift pack", 5_000, False),
    ("welfare-coupon", "Welfare coupon", 10_000, False),
    ("vip-line", "VIP hotline and free pick-up", 20_000, False),
)


def set_up(author: Staff, approver: Staff, start: dt.datetime) -> None:
    """The policy in force from `start`, and the lines; a second time it changes nothing."""
    for code, name, value, is_strict in THRESHOLDS:
        ScoreThreshold.objects.get_or_create(code=code, defaults={"name": name, "value": value, "is_strict": is_strict})
    if ScorePolicy.objects.exists():
        return
    policy = ScorePolicy.objects.create(note="The first: our own weights", drafted_by=author, drafted_at=start)
    for code, weight, cap in DIMENSIONS:
        ScoreDimension.objects.create(policy=policy, code=code, weight_percent=weight, cap=cap)
    for code, corners in CURVES.items():
        CurvePoint.objects.bulk_create([CurvePoint(policy=policy, dimension=code, x=x, y=y) for x, y in corners])
    for code, kind, value, limits in SOURCES:
        ScoreSource.objects.create(policy=policy, dimension=code, kind=kind, value=value, **limits)
    quiz = CustomEventType.objects.filter(name=QUIZ).first()
    if quiz:
        ScoreSource.objects.create(
            policy=policy, dimension=Dimension.ACTIVITY, kind=Kind.EVENT, event_type=quiz, value=10, cap_month=50
        )
    editions.publish(policy, audit.Actor(label=approver.username, staff=approver), start, start)
