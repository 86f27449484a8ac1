"""Freight that was waived is charged when a return leaves too little for free shipping (domain.md E16)."""

import pytest

from loyalty.models import Order, Refund
from loyalty.tests.stage import DAY, NOON, a_rule, give, line, order, send, set_programme

pytestmark = pytest.mark.django_db

WAIVED = {"freight_waived": 600, "free_from": 9900}


def buy(*lines, **more):
    send("order.completed", **order("o-1", *(lines or (line(1, 6000), line(2, 4000), line(3, 2000))), **WAIVED | more))


def back(*numbers, reason="no_reason", cash=4000, code="r-1") -> int | None:
    """What a return of whole lines is charged for freight; None if the answer does not speak of it."""
    lines = [{"line": str(number), "quantity": 1} for number in numbers]
    effects = send("order.refunded", order="o-1", refund=code, reason=reason, cash=cash, lines=lines)["effects"]
    return effects["freight"]["charge"] if "freight" in effects else None


def test_a_return_that_leaves_less_than_shipping_was_free_from_is_charged():
    buy()
    assert back(2) == 600
    assert Order.objects.get().freight_charged == Refund.objects.get().freight_charge == 600


def test_a_return_that_leaves_enough_costs_nothing():
    buy()
    assert back(3) == 0
    assert back(2, code="r-2") == 600


def test_just_as_much_as_shipping_is_free_from_is_enough():
    buy(line(1, 9900), line(2, 100))
    assert back(2, cash=100) == 0


@pytest.mark.parametrize("reason", ["defect", "seller_fault"])
def test_a_fault_of_the_seller_costs_the_member_no_freight_then_or_later(reason):
    buy()
    assert back(2, reason=reason) == 0
    assert back(3, code="r-2") == 0


def test_an_exchange_a_lower_price_and_a_cancellation_cost_no_freight():
    buy()
    assert back(2, reason="exchange", cash=0) == 0
    lower = {"refund": "p", "reason": "price_protection", "cash": 3000, "lines": [{"line": "1", "cash": 3000}]}
    assert send("order.refunded", order="o-1", **lower)["effects"]["freight"] == {"charge": 0}
    assert send("order.cancelled", order="o-1")["effects"]["freight"] == {"charge": 0}


def test_goods_refused_at_the_door_are_the_members_choice():
    buy()
    assert back(1, 2, 3, reason="refused", cash=12_000) == 600


def test_freight_is_charged_once_whatever_comes_back_later():
    buy()
    assert [back(number, code=f"r-{number}") for number in (2, 1, 3)] == [600, 0, 0]


def test_a_member_never_pays_in_and_the_rest_is_taken_from_a_later_refund():
    """domain.md E2."""
    buy()
    assert back(2, cash=250) == 250
    assert back(3, cash=2000, code="r-2") == 350
    assert Order.objects.get().freight_charged == 600


def test_cash_that_is_deducted_for_points_is_not_there_for_freight():
    """400 points were earned for the line and spent since: 4.00 of the 5.00 go for them, and 1.00 is left for freight."""
    a_rule("base", points=1, money_unit=10)
    set_programme(tender_cap_percent=100, tender_step=1)
    buy(line(1, 6000), line(2, 4000))
    send("order.completed", **order("o-2", line(1, 0, points=1000)))
    lines = [{"line": "2", "quantity": 1}]
    effects = send("order.refunded", order="o-1", refund="r", reason="no_reason", cash=500, lines=lines)["effects"]
    assert (effects["points"]["cash_deduction"], effects["freight"]["charge"]) == (400, 100)


def test_goods_that_were_paid_with_points_count_at_what_the_points_were_worth():
    give(2000, at=NOON - DAY)
    buy(line(1, 6000, points=2000), line(2, 4000))
    assert back(2) == 600


def test_points_alone_can_keep_shipping_free():
    give(4000, at=NOON - DAY)
    buy(line(1, 6000, points=4000), line(2, 4000))
    assert back(2) == 0


def test_virtual_goods_are_not_sent_and_do_not_count():
    buy(line(1, 9000), line(2, 1000, virtual=True))
    assert back(1, cash=9000) == 0


def test_the_programme_may_never_charge_it():
    set_programme(charge_freight=False)
    buy()
    assert back(2) == 0


def test_an_order_without_waived_freight_is_not_spoken_of():
    buy(freight_waived=0)
    assert back(2) is None


def test_a_paid_order_that_completes_keeps_what_it_said():
    send("order.paid", **order("o-1", line(1, 6000), line(2, 4000), **WAIVED))
    send("order.completed", **order("o-1", line(1, 6000), line(2, 4000)))
    assert back(2) == 600
