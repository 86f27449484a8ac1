"""Two-phase redemption: held, then captured by the order, released, or let go by time (domain.md E62)."""

import datetime as dt
import uuid

import pytest
from django.db import transaction

from loyalty.models import Hold, HoldLine
from loyalty.services import holds, transfers
from loyalty.services.holds import HoldClosed
from loyalty.services.ledger import InsufficientPoints
from loyalty.services.tenders import Payable, TenderNotAllowed, UnknownHold
from loyalty.tests.proven import assert_proven
from loyalty.tests.stage import DAY, NOON, balance, event, give, line, order, send, send_all
from members.models import Member
from members.services import members

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)
GOODS = (Payable("1", 4000),)


def alice():
    return Member.objects.get(external_id="alice")


def hold(points=1000, at=NOON, lines=GOODS, **values):
    return holds.place("alice", points, order_code="o-1", lines=lines, at=at, **values)


def paid(points=1000, **data):
    return order("o-1", line(1, 4000 - points, points=points), **data)


def test_a_hold_sets_points_aside_and_shares_them_over_the_lines():
    give(5000)
    placed = hold(2000, lines=[Payable("1", 2500), Payable("2", 2500)])
    assert (balance().available, balance().held) == (3000, 2000)
    assert list(HoldLine.objects.values_list("number", "points")) == [("1", 1000), ("2", 1000)]
    assert placed.expires_at == NOON + 30 * MINUTE
    assert_proven()


def test_a_hold_takes_the_points_that_expire_first():
    give(1000, expires_at=NOON + 90 * DAY)
    give(1000, expires_at=NOON + DAY)
    hold()
    assert balance().expiring == [((NOON + 90 * DAY).date(), 1000)]


def test_what_is_not_there_or_not_allowed_cannot_be_held():
    give(999)
    with pytest.raises(InsufficientPoints), transaction.atomic():
        hold()
    with pytest.raises(TenderNotAllowed), transaction.atomic():
        hold(500)
    assert not Hold.objects.exists()


def test_the_order_captures_its_hold():
    give(1000)
    placed = hold()
    answer = send("order.paid", **paid(hold=str(placed.uuid).upper()))
    assert answer["effects"]["points"] == {"spent": 1000}
    assert (balance().available, balance().held) == (0, 0)
    assert Hold.objects.get().status == "captured"
    assert_proven()


def test_a_captured_hold_stays_captured_and_an_open_one_can_be_released_twice():
    give(2000)
    first, second = hold(), hold()
    assert holds.capture(first.uuid, NOON).status == "captured"
    assert holds.capture(first.uuid, NOON).status == "captured"
    with pytest.raises(HoldClosed):
        holds.release(first.uuid, NOON)
    assert holds.release(second.uuid, NOON).status == "released"
    assert holds.release(second.uuid, NOON).status == "released"
    with pytest.raises(HoldClosed), transaction.atomic():
        holds.capture(second.uuid, NOON)
    assert (balance().available, balance().held) == (1000, 0)
    assert_proven()


def test_an_unknown_hold_is_refused():
    with pytest.raises(UnknownHold):
        holds.capture(uuid.uuid4(), NOON)


def test_a_hold_lapses_at_its_instant_without_any_job():
    give(1000)
    placed = hold()
    assert balance(at=NOON + 30 * MINUTE - MINUTE / 60).available == 0
    assert (balance(at=NOON + 30 * MINUTE).available, balance(at=NOON + 30 * MINUTE).held) == (1000, 0)
    with pytest.raises(HoldClosed), transaction.atomic():
        holds.capture(placed.uuid, NOON + 30 * MINUTE)
    hold(at=NOON + 30 * MINUTE)
    placed.refresh_from_db()
    assert placed.status == "lapsed"
    assert_proven()


def test_points_that_expire_while_they_are_held_are_honoured_if_the_order_was_placed_in_time():
    give(1000, expires_at=NOON + MINUTE)
    placed = hold()
    late = event("order.paid", at=NOON + 20 * MINUTE, **paid(hold=str(placed.uuid)))
    answer = send_all([late], NOON + DAY)[0]
    assert answer["effects"]["points"] == {"spent": 1000}
    assert_proven()


def test_an_order_placed_after_its_hold_lapsed_takes_what_the_balance_has():
    give(1000)
    placed = hold()
    answer = send("order.paid", at=NOON + 30 * MINUTE, **paid(hold=str(placed.uuid)))
    assert answer["effects"]["points"] == {"spent": 1000}
    placed.refresh_from_db()
    assert placed.status == "lapsed"
    assert_proven()


def test_the_points_of_a_hold_that_lapsed_and_expired_are_gone_and_the_answer_says_so():
    give(1000, expires_at=NOON + MINUTE)
    placed = hold()
    answer = send("order.paid", at=NOON + 30 * MINUTE, **paid(hold=str(placed.uuid)))
    assert answer["effects"]["points"] == {"spent": 0, "tender": {"asked": 1000, "taken": 0}}
    assert_proven()


def test_a_hold_of_somebody_else_or_of_other_points_is_refused_and_stays_open():
    give(2000)
    give(2000, "charlie")
    placed = hold()
    assert send("order.paid", "charlie", **paid(hold=str(placed.uuid)))["problem"]["code"] == "unknown_hold"
    assert send("order.paid", **paid(2000, hold=str(placed.uuid)))["problem"]["code"] == "hold_mismatch"
    assert send("order.paid", **paid(hold="no uuid"))["problem"]["code"] == "unknown_hold"
    placed.refresh_from_db()
    assert (placed.status, balance("charlie").available) == ("open", 2000)


@pytest.mark.parametrize("type", ["order.paid", "order.completed"])
def test_an_order_whose_hold_was_captured_before_it_came_does_not_pay_again(type):
    give(2000)
    placed = hold()
    holds.capture(placed.uuid, NOON)
    assert send(type, **paid(hold=str(placed.uuid)))["effects"]["points"]["spent"] == 1000
    assert balance().available == 1000
    again = send("order.paid", **order("o-2", line(1, 3000, points=1000), hold=str(placed.uuid)))
    assert again["effects"]["points"]["spent"] == 1000
    assert balance().available == 0
    data = {"order": "o-1", "refund": "r", "reason": "defect", "lines": [{"line": "1", "quantity": 1}]}
    assert send("order.refunded", **data)["effects"]["points"]["restored"] == 1000
    assert_proven()


def test_one_hold_pays_one_order_also_within_a_batch():
    give(3000)
    placed = hold()
    batch = [
        event("order.paid", **order(f"o-{n}", line(1, 3000, points=1000), hold=str(placed.uuid))) for n in range(2)
    ]
    assert [answer["effects"]["points"] for answer in send_all(batch, NOON)] == [{"spent": 1000}, {"spent": 1000}]
    assert (balance().available, balance().held) == (1000, 0)
    assert_proven()


def test_a_cancelled_checkout_lets_its_hold_go():
    give(1000)
    hold()
    answer = send("order.cancelled", order="o-1")
    assert (answer["reason"], answer["effects"]) == ("order_unknown", {"points": {"released": 1000}})
    assert (balance().available, balance().held) == (1000, 0)


def test_a_hold_of_a_member_who_was_merged_pays_the_order_of_the_other_and_comes_back():
    give(1000)
    give(5, "bob")
    placed = hold()
    members.merge("alice", "bob", NOON)
    transfers.merge(alice(), Member.objects.get(external_id="bob"), NOON)
    answer = send("order.completed", "alice", **paid(hold=str(placed.uuid)))
    assert answer["effects"]["points"]["spent"] == 1000
    assert balance("bob").available == 5
    data = {"order": "o-1", "refund": "r", "reason": "defect", "lines": [{"line": "1", "quantity": 1}]}
    assert send("order.refunded", "bob", **data)["effects"]["points"]["restored"] == 1000
    assert balance("bob").available == 1005
    assert_proven()
