"""Adjustments by staff: with a reason, within the balance, undone by their opposite."""

import pytest
from django.db import transaction

from common.models import AuditEntry
from common.problems import InvalidInput
from loyalty.models import Adjustment, Wallet
from loyalty.services import adjustments, transfers
from loyalty.services.adjustments import AlreadyReversed
from loyalty.services.ledger import InsufficientPoints
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON, STAFF, a_rule, balance, give, order, send
from members.models import Member
from members.services import members

pytestmark = pytest.mark.django_db


def post(points, category="goodwill", reason="a late parcel", **values):
    account = Wallet.objects.get(member__external_id="alice").account
    with transaction.atomic():
        return adjustments.post(account, points, category=category, reason=reason, actor=STAFF, at=NOON, **values)


def test_points_given_expire_as_the_programme_says_or_as_told():
    give(100)
    assert balance().expiring[0][0].isoformat() == "2027-12-31"
    post(50, expires_at=NOON + DAY)
    assert balance().expiring[0] == ((NOON + DAY).date(), 50)
    assert_proven()


@pytest.mark.parametrize(
    ("points", "reason"), [(5, ""), (5, "   "), (0, "why"), (10**9 + 1, "why"), (-(10**9) - 1, "why")]
)
def test_an_adjustment_needs_a_reason_and_a_sensible_number(points, reason):
    give(1)
    with pytest.raises(InvalidInput):
        post(points, reason=reason)
    assert Adjustment.objects.count() == 1


def test_no_more_can_be_taken_than_there_is():
    give(10)
    with pytest.raises(InsufficientPoints):
        post(-11)
    post(-10)
    assert balance().available == 0


def test_an_adjustment_is_undone_once_by_its_opposite():
    give(10)
    given = post(500)
    undone = adjustments.reverse(given, reason="wrong member", actor=STAFF, at=NOON)
    assert (undone.points, undone.reverses) == (-500, given)
    for again in (given, undone):
        with pytest.raises(AlreadyReversed):
            adjustments.reverse(again, reason="again", actor=STAFF, at=NOON)
    assert balance().available == 10
    assert AuditEntry.objects.count() == 3
    assert_proven()


def test_a_write_off_lowers_the_debt_and_no_more():
    a_rule("base")
    send("order.completed", **order())
    give(-100)
    refund = {"order": "o-1", "refund": "r", "reason": "defect", "lines": [{"line": "1", "quantity": 1}]}
    send("order.refunded", **refund)
    with pytest.raises(InvalidInput):
        post(101, category="write_off")
    post(60, category="write_off")
    assert (balance().available, balance().debt) == (0, 40)
    post(100)
    assert (balance().available, balance().debt) == (60, 0)
    assert_proven()


def test_the_points_of_a_member_who_was_merged_are_adjusted_at_the_other():
    give(10)
    give(1, "bob")
    members.merge("alice", "bob", NOON)
    alice, bob = (Member.objects.get(external_id=name) for name in ("alice", "bob"))
    transfers.merge(alice, bob, NOON)
    with pytest.raises(InvalidInput):
        post(5)
    assert balance("bob").available == 11


def test_what_has_expired_cannot_be_given():
    give(10)
    post(50, expires_at=NOON)
    assert balance().available == 10
    assert_proven()
