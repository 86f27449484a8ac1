"""The page that shows what a score policy would make of real members' scores."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from common import clock
from common.admin import words
from common.admin.base import Admin
from common.models import Look
from loyalty.models import ScorePolicy
from loyalty.selectors import score_policies, score_previews
from loyalty.selectors.score_previews import Change, Preview
from members.models import Member

_KEPT_SECONDS = 600


def page(model_admin: Admin, request: HttpRequest, policy: ScorePolicy) -> HttpResponse:
    """The preview of a policy; ten minutes old at most, and new whenever the draft is saved."""
    now = timezone.now()
    as_of = clock.day_start(clock.local_date(now))
    current = score_policies.in_force(now)
    faults = policy.faults()
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": gettext("Preview of %s") % policy,
        "faults": faults,
        "current": current.policy if current else None,
        "is_current": current is not None and current.policy.pk == policy.pk,
        "back": reverse("admin:loyalty_scorepolicy_change", args=[policy.pk]),
    }
    if not faults:
        against = current.policy.pk if current else 0
        key = f"loyalty.score_preview.{policy.pk}.{policy.drafted_at.isoformat()}.{against}.{as_of.isoformat()}"
        rules = score_policies.load(policy)
        preview = cache.get_or_set(key, lambda: score_previews.compare(rules, current, as_of), _KEPT_SECONDS)
        context |= _shown(preview)
        model_admin.note_look(request, Look.Kind.LIST)
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(request, "loyalty/score_preview.html", context)


def _shown(preview: Preview) -> dict:
    changes, bars = preview.changes, preview.bars()
    most = max((max(bar.before, bar.after) for bar in bars), default=0) or 1
    winners, losers = preview.winners(), preview.losers()
    names = Member.objects.in_bulk([change.member_id for change in (*winners, *losers)])
    return {
        "members": words.number(len(changes)),
        "up": words.number(sum(change.difference > 0 for change in changes)),
        "down": words.number(sum(change.difference < 0 for change in changes)),
        "same": words.number(sum(change.difference == 0 for change in changes)),
        "bars": [
            {
                "range": f"{words.number(bar.first)} – {words.number(bar.end - 1)}",
                "before": words.number(bar.before),
                "after": words.number(bar.after),
                "before_percent": bar.before * 100 // most,
                "after_percent": bar.after * 100 // most,
            }
            for bar in bars
        ],
        "lines": [
            (line, words.number(before), words.number(after), words.signed(after - before))
            for line, before, after in preview.lines()
        ],
        "winners": _named(winners, names),
        "losers": _named(losers, names),
    }


def _named(changes: Sequence[Change], names: dict[int, Member]) -> list[tuple]:
    return [
        (
            words.link(names[change.member_id]),
            words.number(change.before),
            words.number(change.after),
            words.signed(change.difference),
        )
        for change in changes
    ]
