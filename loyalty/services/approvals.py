"""Reviews that wait for somebody to agree: `Programme.review_needs_approval` (issue 3)."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Q

from common import clock
from common.services import audit
from loyalty.models import Programme


def approve(until: dt.datetime, actor: audit.Actor, at: dt.datetime) -> None:
    """Let the reviews that are due by `until` be carried out. What was approved before stays approved."""
    with transaction.atomic():
        earlier = Q(reviews_approved_until=None) | Q(reviews_approved_until__lt=until)
        Programme.objects.filter(earlier).update(reviews_approved_until=until)
        summary = f"Reviews due by {clock.local(until):%Y-%m-%d %H:%M}"
        audit.record(actor, "loyalty.approvals.approve", None, summary, at)
