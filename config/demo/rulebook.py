"""JD's rules as rows (domain.md section 7), written by operations and put in force by finance."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from common.models import Staff
from common.services import audit
from config.demo.habits import QUIZ
from loyalty.models import Campaign, EarningRule, EarningRuleVersion, Expiry, RuleCondition
from loyalty.services import rules

Goal, Formula, Stacking = EarningRule.Goal, EarningRuleVersion.Formula, EarningRuleVersion.Stacking
Attribute, Operator = RuleCondition.Attribute, RuleCondition.Operator
Condition = tuple[str, str, str]


@dataclass(frozen=True)
class Recipe:
    """One rule: its name, what it guides, the event it listens to, and what its first version says."""

    code: str
    name: str
    goal: str
    event: str
    says: dict[str, Any]
    conditions: tuple[Condition, ...] = ()
    description: str = ""
    in_campaign: bool = field(default=False)


PLUS: Condition = (Attribute.MEMBER_PLAN, Operator.IS, "plus")
NOT_PLUS: Condition = (Attribute.MEMBER_PLAN, Operator.IS_NOT, "plus")
IN_APP: Condition = (Attribute.ORDER_CHANNEL, Operator.IS, "app")
GOODS: Condition = (Attribute.LINE_VIRTUAL, Operator.IS, "no")
FINE = {"formula": Formula.PENALTY, "points": 500, "stacking": Stacking.MAX}
SOON = {"expiry": Expiry.END_OF_MONTH, "expiry_count": 2}

RECIPES = (
    Recipe(
        "purchase", "Purchases", Goal.CONSUMPTION, "order.completed",
        {"formula": Formula.PER_MONEY, "points": 1, "money_unit": 100}, (GOODS,),
        "1 point per yuan paid in money, without freight (S1-41).",
    ),
    Recipe(
        "plus-tenfold", "PLUS: tenfold", Goal.CONSUMPTION, "order.completed",
        {"formula": Formula.MULTIPLIER, "multiplier_percent": 1000, "cap_month": 4000, "priority": -10}, (PLUS, GOODS),
        "PLUS members get tenfold, at most 4,000 more a month; then the ordinary rate (C19).",
    ),
    Recipe(
        "books-double", "Double points on books", Goal.TRAFFIC, "order.completed",
        {"formula": Formula.MULTIPLIER, "multiplier_percent": 200, "priority": -20},
        ((Attribute.LINE_CATEGORY, Operator.IS, "books, stationery"),),
        "Example of a condition on the category.",
    ),
    Recipe(
        "new-category", "First order in a category", Goal.TRAFFIC, "order.completed",
        {"formula": Formula.FIXED, "points": 50, "min_cash": 5000, "cap_month": 100, "priority": -30},
        ((Attribute.LINE_NEW_CATEGORY, Operator.IS, "yes"), (Attribute.MEMBER_KIND, Operator.IS, "person")),
        "50 points for 50 yuan or more in a category that is new to the member.",
    ),
    Recipe(
        "campaign-electronics", "Shopping festival: double on electronics", Goal.CONSUMPTION, "order.completed",
        {"formula": Formula.MULTIPLIER, "multiplier_percent": 200, "priority": -40, "expiry": Expiry.DAYS, "expiry_count": 30},
        ((Attribute.LINE_CATEGORY, Operator.IS, "phones, computers, tablets, cameras, audio, appliances"),),
        "Paid from the campaign's budget; expires 30 days after.", in_campaign=True,
    ),
    Recipe(
        "review", "Reviews", Goal.CONTENT, "review.approved", {"formula": Formula.FIXED, "points": 20},
        ((Attribute.REVIEW_PHOTOS, Operator.LESS_THAN, "1"),),
        "20 points for a review of something that cost 20 yuan or more (S2-56).",
    ),
    Recipe(
        "photo-review", "Photo reviews", Goal.CONTENT, "review.approved",
        {"formula": Formula.LIKES, "points": 20, "likes_factor": 20, "likes_max": 200},
        ((Attribute.REVIEW_PHOTOS, Operator.AT_LEAST, "1"),),
        "20 points, growing with honest likes to 200 (F13).",
    ),
    Recipe(
        "check-in", "Mobile check-in", Goal.MOBILE, "member.checked_in",
        {"formula": Formula.FIXED, "points": 2, **SOON}, (IN_APP,),
        "2 points a day in the app.",
    ),
    Recipe(
        "check-in-week", "Seven days in a row", Goal.MOBILE, "member.checked_in",
        {"formula": Formula.FIXED, "points": 20, **SOON},
        (IN_APP, (Attribute.ACTIVITY_STREAK, Operator.MULTIPLE_OF, "7")),
        "20 points more on every seventh day in a row.",
    ),
    Recipe(
        "log-in", "Log-in", Goal.ACTIVITY, "member.logged_in", {"formula": Formula.FIXED, "points": 1, **SOON}, (),
        "1 point for a day's first log-in by hand.",
    ),
    Recipe(
        "share", "Sharing", Goal.TRAFFIC, "member.shared", {"formula": Formula.FIXED, "points": 5, "cap_month": 50, **SOON}, (),
        "5 points for sharing a product, at most 50 a month.",
    ),
    Recipe(
        "quiz", "Quiz", Goal.ACTIVITY, QUIZ, {"formula": Formula.FIXED, "points": 10, **SOON},
        ((Attribute.ORDER_CUSTOM, Operator.AT_LEAST, "60"),),
        "An event that operators defined: 10 points from 60 right answers in a hundred.",
    ),
    Recipe(
        "refusal-month", "Refused deliveries: from the 2nd a month", Goal.CONDUCT, "delivery.refused", FINE,
        (NOT_PLUS, (Attribute.REFUSALS_MONTH, Operator.AT_LEAST, "2")), "500 points each (C33).",
    ),
    Recipe(
        "refusal-year", "Refused deliveries: from the 4th a year", Goal.CONDUCT, "delivery.refused", FINE,
        (NOT_PLUS, (Attribute.REFUSALS_YEAR, Operator.AT_LEAST, "4")), "500 points each, once with the monthly rule (C33).",
    ),
    Recipe(
        "refusal-plus", "Refused deliveries of PLUS members", Goal.CONDUCT, "delivery.refused", FINE,
        (PLUS, (Attribute.REFUSALS_MONTH, Operator.AT_LEAST, "6")), "Five a month are free (C20).",
    ),
)  # fmt: skip


def write(author: Staff, start: dt.datetime, campaign: Campaign) -> list[EarningRuleVersion]:
    """The first version of every rule as a draft; those that are there already stay as they are."""
    return [_draft(recipe, author, start, campaign) for recipe in RECIPES]


def put_in_force(versions: list[EarningRuleVersion], approver: Staff, at: dt.datetime) -> None:
    """What is still a draft is activated by the second person."""
    actor = audit.Actor(label=approver.username, staff=approver)
    for version in versions:
        if version.status == EarningRuleVersion.Status.DRAFT:
            rules.activate(version, actor, at)


def _draft(recipe: Recipe, author: Staff, start: dt.datetime, campaign: Campaign) -> EarningRuleVersion:
    rule, _created = EarningRule.objects.get_or_create(
        code=recipe.code, defaults={"name": recipe.name, "goal": recipe.goal, "description": recipe.description}
    )
    version, created = rule.versions.get_or_create(
        number=1,
        defaults={
            "event_type": recipe.event,
            "effective_from": start,
            "created_by": author,
            "campaign": campaign if recipe.in_campaign else None,
            **recipe.says,
        },
    )
    if created:
        RuleCondition.objects.bulk_create(
            RuleCondition(
                version=version,
                attribute=attribute,
                operator=operator,
                value=value,
                key="score" if attribute == Attribute.ORDER_CUSTOM else "",
            )
            for attribute, operator, value in recipe.conditions
        )
    return version
