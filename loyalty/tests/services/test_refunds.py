"""Worked examples of domain.md F10, F11 and the refund edge cases E1–E8, E17, E19."""

import pytest

from loyalty.models import Entry, Lot, Order, Refund
from loyalty.tests.stage import DAY, NOON, a_rule, balance, event, give, line, order, send, send_all, set_programme

pytestmark = pytest.mark.django_db

F10_LINES = [
    line(1, 2997, points=333),
    line(2, 2997, points=333),
    line(3, 3006, points=334),
]


def refund(number, order="o-1", code=None, cash=3000, **more):
    return {
        "order": order,
        "refund": code or f"r-{number}",
        "reason": "no_reason",
        "cash": cash,
        "lines": [{"line": str(number), "quantity": 1}],
    } | more


def test_line_refunds_take_back_30_30_30_of_90_and_leave_nothing():
    a_rule("base")
    give(1000, at=NOON - DAY)
    earned = send("order.completed", **order("o-1", *F10_LINES))
    assert earned["effects"]["points"]["earned"] == 90
    assert earned["effects"]["points"]["spent"] == 1000
    taken = [send("order.refunded", **refund(n))["effects"]["points"] for n in (1, 2, 3)]
    assert [t["clawed_back"] for t in taken] == [30, 30, 30]
    assert [t["restored"] for t in taken] == [333, 333, 334]
    assert balance().available == 1000


def test_a_refund_below_the_threshold_takes_everything_back():
    a_rule("tenth", points=1, money_unit=1000, money_step=1000, min_cash=5000)
    assert (
        send("order.completed", **order("o-1", line(1, 2997), line(2, 2997), line(3, 3006)))["effects"]["points"][
            "earned"
        ]
        == 9
    )
    taken = [send("order.refunded", **refund(n))["effects"]["points"]["clawed_back"] for n in (1, 2, 3)]
    assert taken == [3, 6, 0]


@pytest.mark.parametrize(("cash", "cut", "debt"), [(3000, 380, 0), (200, 200, 180)])
def test_points_that_were_spent_are_taken_from_the_cash_and_then_owed(cash, cut, debt):
    a_rule("generous", points=5)
    send("order.completed", **order("o-1", line(1, 10000)))
    give(-380)
    points = send("order.refunded", **refund(1, cash=cash))["effects"]["points"]
    assert points == {"clawed_back": 120, "restored": 0, "not_restored": 0, "cash_deduction": cut, "debt": debt}
    assert balance().debt == debt
    assert balance().available == 0


def test_a_debt_is_repaid_by_the_next_earnings():
    a_rule("generous", points=5)
    send("order.completed", **order("o-1", line(1, 10000)))
    give(-380)
    send("order.refunded", **refund(1, cash=0))
    assert balance().debt == 380
    send("order.completed", at=NOON + DAY, **order("o-2", line(1, 10000)))
    assert (balance().available, balance().debt) == (120, 0)
    kinds = list(Entry.objects.filter(kind="repay").order_by("seq").values_list("unit", "delta"))
    assert kinds == [("points", -380), ("debt", -380)]


def test_the_same_refund_told_twice_counts_once():
    a_rule("base")
    send("order.completed", **order())
    first = send("order.refunded", **refund(1))
    again = send("order.refunded", **refund(1))
    assert first["effects"]["points"]["clawed_back"] == 100
    assert (again["status"], again["reason"]) == ("ignored", "refund_already_applied")
    assert Refund.objects.count() == 1


def test_another_refund_under_the_same_code_is_refused():
    a_rule("base")
    send("order.completed", **order("o-1", line(1), line(2)))
    send("order.refunded", **refund(1, code="r"))
    other = send("order.refunded", **refund(2, code="r"))
    assert other["problem"]["code"] == "refund_code_reused"
    assert balance().available == 100


def test_a_refund_that_comes_before_its_order_waits_for_it():
    a_rule("base")
    early = send("order.refunded", **refund(1))
    assert (early["status"], early["reason"]) == ("ignored", "order_unknown")
    result = send("order.completed", **order("o-1", line(1), line(2)))
    assert result["effects"]["parked"][0]["points"]["clawed_back"] == 100
    assert balance().available == 100
    assert send("order.refunded", **refund(1))["reason"] == "refund_already_applied"


def test_a_refund_before_completion_lowers_what_is_earned():
    a_rule("base")
    send("order.paid", **order("o-1", line(1), line(2)))
    assert send("order.refunded", **refund(1))["effects"]["points"]["clawed_back"] == 0
    done = send("order.completed", **order("o-1", line(1), line(2)))
    assert done["effects"]["points"]["earned"] == 100


@pytest.mark.parametrize("quantities", [(1, 1, 1), (2, 1), (1, 2), (3,)])
def test_units_come_back_in_any_partition_and_sum_to_the_whole(quantities):
    a_rule("base")
    give(1000)
    send("order.completed", **order("o-1", line(1, 9000, quantity=3, points=1000)))
    restored = clawed = 0
    for number, quantity in enumerate(quantities):
        points = send("order.refunded", **refund(1, code=f"r{number}", lines=[{"line": "1", "quantity": quantity}]))[
            "effects"
        ]["points"]
        restored += points["restored"]
        clawed += points["clawed_back"]
    assert (restored, clawed, balance().available) == (1000, 90, 1000)


def test_more_than_is_left_cannot_be_refunded():
    a_rule("base")
    send("order.completed", **order("o-1", line(1, quantity=2)))
    result = send("order.refunded", **refund(1, lines=[{"line": "1", "quantity": 3}]))
    assert result["problem"]["code"] == "refund_exceeds_line"
    assert balance().available == 100


def test_tendered_points_return_to_their_lot_with_the_old_expiry():
    soon = NOON + 10 * DAY
    give(1000, expires_at=soon)
    give(500, expires_at=NOON + 90 * DAY)
    send("order.completed", **order("o-1", line(1, 9000, points=1000)))
    send("order.refunded", at=NOON + 2 * DAY, **refund(1))
    lot = Lot.objects.get(expires_at=soon)
    assert (lot.remaining, lot.earned) == (1000, 1000)


def test_expired_tendered_points_are_not_returned():
    give(1000, expires_at=NOON + DAY)
    send("order.completed", **order("o-1", line(1, 9000, points=1000)))
    points = send("order.refunded", at=NOON + 2 * DAY, **refund(1))["effects"]["points"]
    assert (points["restored"], points["not_restored"]) == (0, 1000)
    assert balance(at=NOON + 2 * DAY).available == 0


def test_expired_tendered_points_come_back_for_the_grace_if_the_programme_grants_one():
    set_programme(refund_grace_days=7)
    give(1000, expires_at=NOON + DAY)
    send("order.completed", **order("o-1", line(1, 9000, points=1000)))
    points = send("order.refunded", at=NOON + 2 * DAY, **refund(1))["effects"]["points"]
    assert (points["restored"], points["not_restored"]) == (1000, 0)
    assert balance(at=NOON + 9 * DAY).available == 1000
    assert balance(at=NOON + 11 * DAY).available == 0


def test_points_that_expired_unspent_are_not_clawed_back():
    a_rule("base", expiry="days", expiry_count=1)
    send("order.completed", **order())
    points = send("order.refunded", at=NOON + 5 * DAY, **refund(1))["effects"]["points"]
    assert points == {"clawed_back": 0, "restored": 0, "not_restored": 0, "cash_deduction": 0, "debt": 0}
    assert Order.objects.get().points_forgiven == 100


def test_pending_points_are_taken_back_first():
    a_rule("late", available_after_days=7)
    give(50)
    send("order.completed", **order())
    assert balance().pending == 100
    send("order.refunded", **refund(1))
    assert (balance().pending, balance().available) == (0, 50)


def test_price_protection_lowers_the_earning_and_keeps_the_tender():
    a_rule("base")
    give(1000)
    send("order.completed", **order("o-1", line(1, 9000, points=1000)))
    points = send("order.refunded", **refund(1, reason="price_protection", lines=[{"line": "1", "cash": 2000}]))
    assert points["effects"]["points"]["clawed_back"] == 20
    assert points["effects"]["points"]["restored"] == 0
    assert balance().available == 70


def test_an_exchange_takes_nothing_back():
    a_rule("base")
    send("order.completed", **order())
    send("order.refunded", **refund(1, reason="exchange", cash=0))
    assert balance().available == 100


def test_a_cancelled_order_gives_everything_back():
    a_rule("base")
    give(1000)
    send("order.completed", **order("o-1", line(1, 9000, points=1000)))
    points = send("order.cancelled", order="o-1")["effects"]["points"]
    assert (points["clawed_back"], points["restored"]) == (90, 1000)
    assert balance().available == 1000
    assert send("order.cancelled", order="o-1")["reason"] == "order_already_cancelled"


def test_an_order_of_another_member_cannot_be_refunded():
    a_rule("base")
    send("order.completed", **order())
    result = send("order.refunded", "charlie", **refund(1))
    assert result["problem"]["code"] == "order_of_another_member"
    assert balance().available == 100


def test_a_batch_handles_an_order_and_its_refund_in_one_go():
    a_rule("base")
    results = send_all(
        [event("order.completed", **order("o-1", line(1), line(2))), event("order.refunded", **refund(1))], NOON
    )
    assert [r["status"] for r in results] == ["applied", "applied"]
    assert balance().available == 100
    assert Lot.objects.filter(is_open=True).count() == 1
