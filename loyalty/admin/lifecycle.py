"""The life cycle: its policy in editions, and the page that shows where members stand and where they go."""

from __future__ import annotations

import datetime as dt

from django.contrib import admin
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from common.admin import tags, words
from loyalty.admin import portraits
from loyalty.admin.editions import EditionAdmin
from loyalty.models import Lifecycle, LifecyclePolicy, MemberStats
from loyalty.selectors import lifecycle as selector
from loyalty.selectors import portraits as portrait_selector
from loyalty.services import lifecycle
from members.models import Member

FLOW_DAYS = 30
TAGS: dict[str, str] = {
    Lifecycle.NEW: tags.NEWS,
    Lifecycle.ACTIVE: tags.GOOD,
    Lifecycle.AT_RISK: tags.WAITING,
    Lifecycle.LAPSED: tags.BAD,
    Lifecycle.RETURNING: tags.NEWS,
}


@admin.register(LifecyclePolicy)
class LifecyclePolicyAdmin(EditionAdmin):
    """When members count as new, at risk, lapsed or returning (domain.md F24)."""

    empty = _(
        "No policy yet: members are new for 30 days, at risk after 90 and lapsed after 180. Write a draft to change that."
    )
    fieldsets = [
        (None, {"fields": ["note"]}),
        (_("New"), {"fields": ["new_days"]}),
        (_("At risk"), {"fields": [("risk_days", "risk_gaps")]}),
        (_("Lapsed"), {"fields": [("lapsed_days", "lapsed_gaps")]}),
        (_("Returning"), {"fields": ["returning_days"]}),
    ]

    def consequences(self, edition):
        return [
            gettext(
                "From the next night on, members stand where this edition puts them; lifecycle.changed tells of it."
            )
        ]


def fill() -> dict:
    """What the life-cycle page shows."""
    now = timezone.now()
    portrait = portrait_selector.draw(Member.objects.filter(status=Member.Status.ACTIVE))
    measured = MemberStats.objects.aggregate(at=Max("measured_at"))["at"]
    return {
        **portraits.show(portrait, {}),
        "measured": words.day(measured),
        "is_measured": measured is not None,
        "says": say(lifecycle.policy(now)),
        "cards": [
            {
                "name": stage.label,
                "colour": portraits.STAGE_COLOURS[stage],
                "members": words.number(portrait.stages[stage]),
                "spend": words.money(portrait.stage_spend[stage]),
                "link": portraits.members({}, lifecycle__exact=stage.value),
            }
            for stage in Lifecycle
        ],
        "flow": [
            {"before": _tag(before), "after": _tag(after), "members": words.number(members)}
            for before, after, members in selector.flow(now - dt.timedelta(days=FLOW_DAYS))
        ],
        "lifetimes": _lifetimes(),
    }


def say(policy: LifecyclePolicy) -> list[tuple[str, str]]:
    """What the stages mean under a policy, in words."""
    both = gettext("no order for more than %(days)d days, and for more than %(gaps)d times the member's usual gap")
    return [
        (str(Lifecycle.PROSPECT.label), gettext("has never ordered")),
        (
            str(Lifecycle.NEW.label),
            gettext("registered, or ordered for the first time, at most %d days ago") % policy.new_days,
        ),
        (str(Lifecycle.ACTIVE.label), gettext("orders as usual")),
        (str(Lifecycle.AT_RISK.label), both % {"days": policy.risk_days, "gaps": policy.risk_gaps}),
        (str(Lifecycle.LAPSED.label), both % {"days": policy.lapsed_days, "gaps": policy.lapsed_gaps}),
        (
            str(Lifecycle.RETURNING.label),
            gettext("had lapsed and ordered again, at most %d days ago; never new again") % policy.returning_days,
        ),
    ]


def _tag(stage: str):
    return tags.tag(Lifecycle(stage).label, TAGS.get(Lifecycle(stage), ""))


def _lifetimes() -> list[dict]:
    rows = selector.lifetimes()
    most = max((row.days for row in rows), default=0) or 1
    return [
        {
            "name": ngettext("%d category", "%d categories", row.categories) % row.categories
            if row.categories < selector.MOST_CATEGORIES
            else gettext("%d categories or more") % row.categories,
            "members": words.number(row.members),
            "days": ngettext("%d day", "%d days", row.days) % row.days,
            "percent": row.days * 100 // most,
        }
        for row in rows
    ]
