"""A member's standing on the member's page: tier, growth, what comes next, and how it came about."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext

from common import clock
from common.admin import words
from loyalty.admin import amounts, holders, pictures
from loyalty.admin.standings import situation
from loyalty.models import GrowthEntry, Standing, TierChange
from loyalty.selectors import growth as growth_selector
from loyalty.selectors import programme as programmes
from loyalty.services import standings
from loyalty.services.standings import Progress
from members.models import Member

_PAGE = 20


def load(member: Member, request: HttpRequest) -> dict:
    """What the panel shows; about ten queries, whatever the history."""
    standing = Standing.objects.select_related("tier", "member").filter(member=member).first()
    if standing is None:
        return {"standing": None}
    now = timezone.now()
    progress = standings.progress(programmes.current(), standing, now)
    entries = GrowthEntry.objects.filter(member=member).order_by("-seq")
    page = Paginator(entries, _PAGE).get_page(request.GET.get("growth"))
    months = growth_selector.by_month(member.pk, clock.local_date(now))
    changes = TierChange.objects.filter(member=member).select_related("before", "after", "decided_by")
    return {
        "standing": standing,
        "growth": words.number(progress.growth),
        "coefficient": amounts.factor(standing.coefficient_percent),
        "situation": situation(standing, now),
        "next": _next(progress),
        "review": _review(progress, standing),
        "line": pictures.line([growth // 100 for _month, growth in months], gettext("Growth over the last two years")),
        "grown": any(growth for _month, growth in months),
        "criteria": _criteria(member),
        "page": page,
        "rows": [_row(entry) for entry in page.object_list],
        "changes": [{"change": change, "because": _because(change)} for change in changes[:_PAGE]],
        "may_override": request.user.has_perm("loyalty.override_standing"),
        "by_hand": standing.override_until is not None,
    }


def _next(progress: Progress) -> dict | None:
    """The next tier with a bar that says how far it is."""
    goal = progress.next_tier
    if goal is None:
        return None
    threshold = goal.threshold or 0
    return {
        "tier": goal.tier,
        "needs_order": goal.needs_order,
        "known": goal.missing is not None,
        "missing": words.number(goal.missing),
        "percent": min(progress.growth * 100 // threshold, 100) if threshold else 0,
        "ranked_on": goal.ranked_on,
    }


def _review(progress: Progress, standing: Standing) -> dict | None:
    """What the next review takes, and whether the tier is kept."""
    review = progress.next_review
    if review is None:
        return None
    falls = standing.tier is not None and review.tier_after.rank < standing.tier.rank
    return {
        "on": words.day(review.on),
        "deduction": words.number(review.deduction),
        "left": words.number(review.growth_after),
        "tier": review.tier_after,
        "falls": falls,
        "grace_until": words.day(review.grace_until) if review.grace_until else "",
    }


def _criteria(member: Member) -> list[dict]:
    """What the growth says of the member: a bar a criterion."""
    sums = growth_selector.by_criterion(member.pk)
    most = max(sums.values(), default=0)
    names = dict(GrowthEntry.Criterion.choices)
    return [
        {"name": names[code], "growth": amounts.growth(sums[code]), "percent": max(sums[code], 0) * 100 // most}
        for code in names
        if code in sums and most > 0
    ]


def _row(entry: GrowthEntry) -> dict:
    return {
        "entry": entry,
        "sum": f"{words.number(entry.base)} × {amounts.factor(entry.percent)}" if entry.base else "–",
        "change": amounts.change(entry.delta),
        "after": amounts.growth(entry.balance_after),
        "because": holders.reference(entry.reference),
    }


def _because(change: TierChange) -> str:
    """Who decided and why, or what it came from."""
    if change.decided_by_id:
        return f"{change.decided_by}: {change.note}"
    return holders.reference(change.reference) if change.reference else "–"
