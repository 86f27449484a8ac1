"""Points as a means of payment: how many an order may take (domain.md F9) and how they fall on its lines (F10)."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from loyalty.models import Programme
from loyalty.selectors import programme as programmes
from loyalty.services import tenders
from loyalty.services.tenders import Payable, TenderNotAllowed

JD = Programme()


@pytest.mark.parametrize(
    ("settlement", "balance", "most"),
    [
        (4000, 5000, 2000),
        (1999, 10**6, 0),
        (2000, 10**6, 1000),
        (3999, 9999, 1000),
        (10000, 700, 0),
        (100000, 123456, 50000),
        (10000, 0, 0),
        (10000, -5, 0),
        (0, 5000, 0),
    ],
)
def test_the_vectors_of_the_step_and_the_cap(settlement, balance, most):
    assert tenders.most(JD, [Payable("1", settlement)], balance) == most


def test_virtual_lines_know_neither_step_nor_cap():
    assert tenders.most(JD, [Payable("1", 1234, virtual=True)], 999) == 999
    assert tenders.most(JD, [Payable("1", 1234, virtual=True)], 5000) == 1234
    assert tenders.most(JD, [Payable("1", 4000), Payable("2", 500, virtual=True)], 5000) == 2500


def test_the_share_of_each_line_is_stored_by_largest_remainder():
    lines = [Payable("1", 3330), Payable("2", 3330), Payable("3", 3340)]
    assert tenders.allocate(JD, lines, 1000) == [333, 333, 334]


@pytest.mark.parametrize("points", [1, 999, 1001, 6000])
def test_points_out_of_step_or_above_the_cap_are_refused(points):
    with pytest.raises(TenderNotAllowed) as refusal:
        tenders.allocate(JD, [Payable("1", 10000)], points)
    assert refusal.value.extra["points_step"] == 1000


def test_a_point_may_be_worth_more_or_less_than_a_fen():
    yen = Programme(point_value_points=100, point_value_money=1, tender_step=100, tender_cap_percent=100)
    assert tenders.most(yen, [Payable("1", 50)], 10**6) == 5000
    dear = Programme(point_value_points=1, point_value_money=10, tender_step=1, tender_cap_percent=100)
    assert tenders.most(dear, [Payable("1", 59)], 10**6) == 5


checkouts = st.lists(st.builds(Payable, st.just("1"), st.integers(0, 10**7), st.booleans()), min_size=1, max_size=5)


@given(checkouts, st.integers(0, 10**8))
def test_the_most_is_allowed_and_is_within_balance_step_and_cap(lines, balance):
    most = tenders.most(JD, lines, balance)
    goods = sum(line.cash for line in lines if not line.virtual)
    virtual = sum(line.cash for line in lines if line.virtual)
    assert 0 <= most <= balance
    assert most <= goods // 2 + virtual
    if most:
        shares = tenders.allocate(JD, lines, most)
        assert sum(shares) == most
        on_goods = sum(share for share, line in zip(shares, lines, strict=True) if not line.virtual)
        assert on_goods % 1000 == 0
        assert on_goods <= goods // 2
        assert all(0 <= share <= line.cash for share, line in zip(shares, lines, strict=True))


@given(checkouts, st.integers(1, 10**8))
def test_what_is_allowed_never_pays_more_than_a_line_costs(lines, points):
    try:
        shares = tenders.allocate(JD, lines, points)
    except TenderNotAllowed:
        assume(False)
    assert sum(shares) == points
    assert all(share <= line.cash for share, line in zip(shares, lines, strict=True))


@given(
    checkouts,
    st.integers(0, 10**8),
    st.sampled_from([(1, 100), (1, 7), (3, 1), (3, 2), (5, 4), (100, 1), (100, 50)]),
    st.sampled_from([1, 10, 1000]),
    st.integers(1, 100),
)
def test_points_of_any_worth_pay_whole_money_and_no_line_more_than_it_costs(lines, balance, value, step, cap):
    programme = Programme(
        point_value_points=value[0], point_value_money=value[1], tender_step=step, tender_cap_percent=cap
    )
    most = tenders.most(programme, lines, balance)
    shares = tenders.allocate(programme, lines, most)
    worth = [programmes.money_of(programme, share) for share in shares]
    assert sum(shares) == most <= balance
    assert sum(worth) == programmes.money_of(programme, most)
    assert all(0 <= paid <= line.cash for paid, line in zip(worth, lines, strict=True))


def test_a_dear_point_falls_only_on_lines_that_cost_as_much():
    """Twenty things for 0.10 bear no point of 1.00; before, the first of them cost less than nothing."""
    yuan = Programme(point_value_points=1, point_value_money=100, tender_step=1, tender_cap_percent=50)
    assert tenders.most(yuan, [Payable(str(number), 10) for number in range(20)], 100) == 0
    lines = [Payable("1", 50), Payable("2", 60), Payable("3", 500)]
    assert tenders.allocate(yuan, lines, 3) == [0, 0, 3]
