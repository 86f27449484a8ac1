"""Sharing whole amounts out: nothing is lost, nothing is invented (domain.md F9, F10)."""

from hypothesis import given
from hypothesis import strategies as st

from loyalty.services.allocation import cumulative, largest_remainder

weights = st.lists(st.integers(0, 10**13), min_size=1, max_size=30)


def test_three_almost_equal_lines_share_a_thousand_beans():
    assert largest_remainder(1000, [3330, 3330, 3340]) == [333, 333, 334]


def test_the_first_line_gets_the_odd_unit_on_a_tie():
    assert largest_remainder(1000, [1, 1, 1]) == [334, 333, 333]


def test_without_weights_the_first_takes_all():
    assert largest_remainder(7, [0, 0]) == [7, 0]
    assert largest_remainder(7, []) == []


@given(st.integers(0, 10**16), weights)
def test_shares_sum_to_the_total_and_lie_within_one_of_the_quota(total, weights):
    shares = largest_remainder(total, weights)
    assert sum(shares) == total
    if sum(weights):
        for share, weight in zip(shares, weights, strict=True):
            assert 0 <= share * sum(weights) - total * weight + sum(weights) <= 2 * sum(weights)
            assert weight or not share


@given(weights)
def test_a_thousand_beans_by_whole_per_mille_need_no_rounding(weights):
    total = sum(weights)
    per_mille = [weight * 1000 // total if total else 0 for weight in weights]
    per_mille[0] += 1000 - sum(per_mille)
    assert largest_remainder(1000, per_mille) == per_mille


@given(st.integers(0, 10**13), st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_what_is_given_back_part_by_part_closes_to_the_total(total, parts):
    given_back = done = 0
    for part in parts:
        done += part
        due = cumulative(total, done, sum(parts), given_back)
        assert due >= 0
        given_back += due
    assert given_back == total
