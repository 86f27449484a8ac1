"""Reviews that wait for somebody to agree."""

from __future__ import annotations

import pytest

from common.models import AuditEntry
from loyalty.selectors import programme as programmes
from loyalty.services import approvals, tiers
from loyalty.tests.stage import (
    DAY,
    NOON,
    STAFF,
    a_growth_policy,
    a_ladder,
    line,
    order,
    send,
    set_programme,
    standing,
)

pytestmark = pytest.mark.django_db


def test_nothing_is_reviewed_before_somebody_approves():
    a_ladder()
    a_growth_policy()
    set_programme(review_needs_approval=True)
    send("order.completed", "alice", NOON, **order("o-1", line(1, 250_000)))
    later = NOON + 400 * DAY
    tiers.review(later, later)
    assert standing("alice").tier.code == "silver"

    approvals.approve(later, STAFF, later)
    again = later + DAY
    tiers.review(again, again)
    assert (standing("alice").tier.code, standing("alice").whole_growth) == ("bronze", 1_500)
    assert AuditEntry.objects.filter(action="loyalty.approvals.approve").count() == 1


def test_what_was_approved_before_stays_approved():
    programmes.current()
    approvals.approve(NOON, STAFF, NOON)
    approvals.approve(NOON - DAY, STAFF, NOON)
    assert programmes.current().reviews_approved_until == NOON
