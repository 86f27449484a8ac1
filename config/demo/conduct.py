"""The demo's coefficient policy: JD's five steps with the platform's default cut-offs (domain.md F2)."""

from __future__ import annotations

import datetime as dt

from common.models import Staff
from common.services import audit
from loyalty.models import CoefficientBand, CoefficientPolicy
from loyalty.services import editions

# At most so many of a thousand returned: coefficient in per cent.
BANDS = ((30, 130), (60, 120), (100, 110), (300, 100), (None, 0))


def set_up(author: Staff, approver: Staff, start: dt.datetime) -> None:
    """In force from `start`; a second time it changes nothing."""
    if CoefficientPolicy.objects.exists():
        return
    policy = CoefficientPolicy.objects.create(note="JD's steps", drafted_by=author, drafted_at=start)
    CoefficientBand.objects.bulk_create(
        CoefficientBand(policy=policy, up_to_permille=up_to, percent=percent) for up_to, percent in BANDS
    )
    editions.publish(policy, audit.Actor(label=approver.username, staff=approver), start, start)
