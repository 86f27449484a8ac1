import hashlib
import hmac
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.services import draws

SEED = "5eed" * 16


def chi_square(counts, shares, drawn):
    """Pearson's statistic, exactly."""
    return sum((Fraction(counts[key]) - drawn * share) ** 2 / (drawn * share) for key, share in shares.items())


def test_a_number_is_the_first_word_of_the_hmac_for_anybody_who_recomputes_it():
    digest = hmac.new(SEED.encode(), b"alice:1", hashlib.sha256).digest()
    assert draws.number(SEED, "alice:1", 1000) == int.from_bytes(digest[:4], "big") % 1000
    assert draws.number(SEED, "alice:1", 1000) == 219


def test_the_commitment_is_the_sha256_of_the_seeds_text():
    assert draws.commitment("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_words_above_the_largest_multiple_are_thrown_away():
    """Of 2^31 + 1 numbers nearly every second word does not count; the next one does."""
    total = 2**31 + 1
    thrown = 0
    for nonce in range(200):
        digest = hmac.new(SEED.encode(), f"alice:{nonce}".encode(), hashlib.sha256).digest()
        words = [int.from_bytes(digest[start : start + 4], "big") for start in range(0, 32, 4)]
        fair = [word for word in words if word < total]
        thrown += words[0] >= total
        if fair:
            assert draws.number(SEED, f"alice:{nonce}", total) == fair[0]
        else:
            again = hmac.new(SEED.encode(), f"alice:{nonce}:1".encode(), hashlib.sha256).digest()
            words = [int.from_bytes(again[start : start + 4], "big") for start in range(0, 32, 4)]
            assert draws.number(SEED, f"alice:{nonce}", total) == next(word for word in words if word < total)
    assert 60 < thrown < 140


def test_no_number_comes_more_often_than_another():
    """A remainder of 32 bits would give the first third half of all draws: 3 · 2^30 numbers. 13.816: 2 degrees, 0.1 %."""
    total, drawn = 3 * 2**30, 6000
    thirds = Counter(draws.number(SEED, f"m:{nonce}", total) // 2**30 for nonce in range(drawn))
    assert chi_square(thirds, dict.fromkeys(range(3), Fraction(1, 3)), drawn) < Fraction(13_816, 1000)


def test_prizes_come_as_often_as_their_odds_say():
    """domain.md F17's odds over 50,000 draws of a fixed seed. 18.467: 4 degrees of freedom, 0.1 %."""
    weights, drawn = [1, 10, 100, 300], 50_000
    counts = Counter(draws.pick(weights, draws.number(SEED, f"alice:{n}", 1000)) for n in range(1, drawn + 1))
    shares = {place: Fraction(weight, 1000) for place, weight in enumerate(weights)} | {None: Fraction(589, 1000)}
    assert chi_square(counts, shares, drawn) < Fraction(18_467, 1000)


def test_over_all_numbers_each_weight_is_met_exactly():
    weights = [1, 10, 100, 300]
    counts = Counter(draws.pick(weights, number) for number in range(1000))
    assert counts == {0: 1, 1: 10, 2: 100, 3: 300, None: 589}


@pytest.mark.parametrize("total", [0, -1, 2**32 + 1])
def test_a_total_that_cannot_be_drawn_fairly_is_refused(total):
    with pytest.raises(ValueError, match="between 1 and"):
        draws.number(SEED, "alice:1", total)


@given(st.text(), st.integers(1, 2**32))
def test_a_number_lies_below_its_total_and_is_always_the_same(message, total):
    number = draws.number(SEED, message, total)
    assert 0 <= number < total
    assert number == draws.number(SEED, message, total)


@given(st.integers(0, 60), st.integers(0, 70), st.text(max_size=5))
def test_no_ticket_wins_twice(tickets, prizes, salt):
    drawn = [ticket for _number, ticket in draws.winners(SEED, salt, tickets, prizes)]
    assert len(drawn) == len(set(drawn)) == min(tickets, prizes)
    assert all(1 <= ticket <= tickets for ticket in drawn)


def test_a_lottery_draws_as_if_tickets_were_taken_from_a_row():
    row, expected = list(range(1, 31)), []
    for place in range(1, 31):
        number = draws.number(SEED, f"salt:{place}", len(row))
        expected.append((number, row[number]))
        row[number] = row[-1]
        row.pop()
    assert draws.winners(SEED, "salt", 30, 30) == expected


def test_every_ticket_wins_a_lottery_as_often_as_any_other():
    """One prize among ten tickets, 10,000 lotteries. 27.877: 9 degrees of freedom, 0.1 %."""
    counts = Counter(draws.winners(SEED, f"s{n}", 10, 2)[1][1] for n in range(10_000))
    assert chi_square(counts, dict.fromkeys(range(1, 11), Fraction(1, 10)), 10_000) < Fraction(27_877, 1000)


def test_one_ticket_more_changes_the_salt():
    assert draws.salt(["a", "b"]) != draws.salt(["a", "b", "c"])
    assert draws.salt(iter(["a", "b"])) == draws.salt(["a", "b"])
