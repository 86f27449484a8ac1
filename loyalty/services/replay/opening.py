"""What an empty programme does during a replay: the rules of the seeds and JD's ladder, so that there is something to see."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from common.models import Staff
from common.services import audit
from loyalty.models import EarningRule, EarningRuleVersion
from loyalty.services import editions, presets, rules

Formula = EarningRuleVersion.Formula
# 1 point per unit of money (domain.md S1-41), 20 points for a review (S2-56).
RULES = (
    (
        "purchase",
        "Purchases",
        EarningRule.Goal.CONSUMPTION,
        {"event_type": "order.completed", "formula": Formula.PER_MONEY},
    ),
    (
        "review",
        "Reviews",
        EarningRule.Goal.CONTENT,
        {"event_type": "review.approved", "formula": Formula.FIXED, "points": 20},
    ),
)


def set_up(at: dt.datetime) -> bool:
    """Put the seeds' rules and JD's ladder in force from `at` if the programme has no rule at all; say whether it had none."""
    with transaction.atomic():
        if EarningRuleVersion.objects.filter(status=EarningRuleVersion.Status.ACTIVE).exists():
            return False
        author, approver = (_stand_in(name) for name in ("replay-author", "replay-approver"))
        by = audit.Actor(label=approver.username, staff=approver)
        for code, name, goal, content in RULES:
            rule, _created = EarningRule.objects.get_or_create(code=code, defaults={"name": name, "goal": goal})
            version, _created = rule.versions.get_or_create(
                number=1, defaults={"effective_from": at, "created_by": author, **content}
            )
            rules.activate(version, by, at)
        for draft in (presets.draft_growth_policy(author, at), presets.draft_ladder(author, at)):
            editions.publish(draft, by, at, at)
    return True


def _stand_in(name: str) -> Staff:
    """Nobody can sign in with these: they stand in the records for the two people the rule of four eyes asks for."""
    person, created = Staff.objects.get_or_create(username=name, defaults={"is_active": False})
    if created:
        person.set_unusable_password()
        person.save(update_fields=["password"])
    return person
