"""Points between members: transfers, gifts, merges and their undoing, and members who leave (domain.md E58, E59)."""

import pytest
from django.db import transaction

from common.models import Fact
from common.problems import InvalidInput
from loyalty.models import Account, Lot, Transfer
from loyalty.selectors import merging
from loyalty.services import transfers
from loyalty.services.ledger import InsufficientPoints
from loyalty.services.transfers import TransfersNotAllowed
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON, a_rule, balance, give, order, send, set_programme
from members.models import Member
from members.services import members

pytestmark = pytest.mark.django_db


def member(name):
    return Member.objects.get(external_id=name)


def pass_on(points, sender="alice", receiver="bob", kind="transfer"):
    with transaction.atomic():
        return transfers.send(member(sender), member(receiver), points, kind=kind, at=NOON)


def merge(source, target, at=NOON):
    members.merge(source, target, at)
    return transfers.merge(member(source), member(target), at)


@pytest.fixture(autouse=True)
def _cast():
    give(100, "alice", expires_at=NOON + 90 * DAY)
    give(10, "alice", expires_at=NOON + 5 * DAY)
    give(1, "bob")


def test_passing_points_on_is_off_by_default():
    for kind in ("transfer", "gift", "merge", "bribe"):
        with pytest.raises(TransfersNotAllowed):
            pass_on(5, kind=kind)


def test_points_keep_their_expiry_and_the_soonest_go_first():
    set_programme(transfers_allowed=True)
    pass_on(30)
    assert (balance("alice").available, balance("bob").available) == (80, 31)
    lots = Lot.objects.filter(source="transfer").order_by("lot_seq")
    assert list(lots.values_list("earned", "expires_at")) == [(10, NOON + 5 * DAY), (20, NOON + 90 * DAY)]
    assert_proven()


def test_what_cannot_be_passed_on_moves_nothing():
    set_programme(gifts_allowed=True)
    with pytest.raises(InsufficientPoints):
        pass_on(111, kind="gift")
    for points, receiver in ((0, "bob"), (-5, "bob"), (5, "alice")):
        with pytest.raises(InvalidInput):
            pass_on(points, receiver=receiver, kind="gift")
    assert not Transfer.objects.exists()
    assert balance("alice").available == 110


def test_a_merge_moves_lot_by_lot_and_twice_is_once():
    assert merge("alice", "bob").points == 110
    assert transfers.merge(member("alice"), member("bob"), NOON) is None
    assert balance("bob").available == 111
    assert Account.objects.get(wallet__member__external_id="alice").available == 0
    assert set(Lot.objects.filter(source="merge").values_list("expires_at", flat=True)) == {
        NOON + 5 * DAY,
        NOON + 90 * DAY,
    }
    assert_proven()


def test_in_a_merge_debts_add_and_are_repaid_at_once():
    a_rule("base")
    send("order.completed", "charlie", **order())
    give(-100, "charlie")
    refund = {"order": "o-1", "refund": "r", "reason": "defect", "lines": [{"line": "1", "quantity": 1}]}
    send("order.refunded", "charlie", **refund)
    assert balance("charlie").debt == 100
    merge("charlie", "alice")
    assert (balance("alice").available, balance("alice").debt) == (10, 0)
    assert_proven()


def test_points_follow_a_chain_of_merges_in_whatever_order_they_are_carried_out():
    give(7, "charlie")
    members.merge("alice", "bob", NOON)
    members.merge("bob", "charlie", NOON)
    transfers.merge(member("bob"), member("charlie"), NOON)
    transfers.merge(member("alice"), member("bob"), NOON)
    assert balance("charlie").available == 7 + 1 + 110
    assert balance("bob").available == 0
    assert_proven()


def test_an_undone_merge_brings_back_what_is_left():
    merge("alice", "bob")
    give(-15, "bob")
    members.unmerge("alice", NOON)
    assert transfers.unmerge(member("alice"), member("bob"), NOON).points == 95
    assert (balance("alice").available, balance("bob").available) == (95, 1)
    assert transfers.unmerge(member("alice"), member("bob"), NOON) is None
    assert_proven()


def unmerge(source, target, at=NOON):
    members.unmerge(source, at)
    return transfers.unmerge(member(source), member(target), at)


def test_who_parts_from_a_chain_of_merges_gets_back_what_is_left_of_her_own():
    give(7, "charlie")
    merge("alice", "bob")
    merge("bob", "charlie")
    give(-15, "charlie")
    assert next(side.source for side in merging.part(member("alice"), member("bob"), NOON)) == "get 95 back"
    assert unmerge("alice", "bob").points == 95
    assert unmerge("bob", "charlie").points == 1
    assert [balance(name).available for name in ("alice", "bob", "charlie")] == [95, 1, 7]
    assert_proven()


def test_a_chain_parted_from_its_end_gives_each_her_own():
    give(7, "charlie")
    merge("alice", "bob")
    merge("bob", "charlie")
    assert unmerge("bob", "charlie").points == 111
    assert unmerge("alice", "bob").points == 110
    assert [balance(name).available for name in ("alice", "bob", "charlie")] == [110, 1, 7]
    assert_proven()


def test_what_a_parting_gave_back_is_not_taken_for_the_other_ones_when_they_are_merged_the_other_way():
    merge("alice", "bob")
    unmerge("alice", "bob")
    merge("bob", "alice")
    assert unmerge("bob", "alice").points == 1
    assert (balance("alice").available, balance("bob").available) == (110, 1)
    assert_proven()


def test_points_of_a_member_who_leaves_expire_and_are_told_once():
    members.close("alice", NOON)
    assert transfers.close(member("alice"), NOON) == 110
    assert transfers.close(member("alice"), NOON) == 0
    assert [fact.payload["points"] for fact in Fact.objects.filter(topic="points.expired")] == [110]
    assert_proven()


def test_points_still_slide_in_the_wallet_they_were_passed_on_to():
    set_programme(transfers_allowed=True)
    a_rule("slide", expiry="sliding", expiry_count=30)
    send("order.completed", "dora", **order("o-9"))
    pass_on(100, "dora", "bob")
    assert Lot.objects.get(source="transfer").sliding_days == 30
