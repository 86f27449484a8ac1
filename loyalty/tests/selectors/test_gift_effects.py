"""The effect of a gift campaign: exact means, Welch's interval, and the courage to say that nothing can be told (F15, S2-43)."""

from decimal import Decimal
from fractions import Fraction

import pytest

from loyalty.models import GiftAssignment, GiftCampaign, Order, OrderLine
from loyalty.selectors import gift_effects
from loyalty.selectors.gift_effects import Metric, Verdict
from loyalty.tests import cast
from loyalty.tests.gifting import people, started
from loyalty.tests.stage import DAY, NOON
from members.models import Member

END = NOON + 30 * DAY


def test_the_vector_of_f15_is_the_difference_of_the_means():
    """F15: incremental = mean(treated) − mean(hold-out)."""
    treated, held_out = gift_effects.group([(3, 1), (5, 1), (10, 1)]), gift_effects.group([(2, 2), (5, 1)])
    assert (treated.mean, held_out.mean) == (6, 3)
    effect = gift_effects.Effect(Metric.ORDERS, treated, held_out, None)
    assert effect.difference == 3
    assert treated.variance == Fraction(13)  # 9 + 1 + 16 over 2


@pytest.mark.parametrize(
    ("freedom", "table"),
    [
        (10, "2.2281"),
        (20, "2.0860"),
        (29, "2.0452"),
        (40, "2.0211"),
        (60, "2.0003"),
        (120, "1.9799"),
        (10**9, "1.9600"),
    ],
)
def test_students_t_is_that_of_the_tables(freedom, table):
    assert round(gift_effects.student(Fraction(freedom)), 4) == Decimal(table)


def test_welchs_interval_by_hand():
    """40 with mean 2 and variance 4, 30 with mean 1 and variance 9: s² = 0.1 + 0.3, ν = 0.16 / (0.01/39 + 0.09/29)."""
    treated = gift_effects.Group(40, Fraction(2), Fraction(4))
    held_out = gift_effects.Group(30, Fraction(1), Fraction(9))
    low, high = gift_effects.interval(treated, held_out)
    # ν = 47.62, t = 2.0111, √0.4 = 0.63246
    assert (round(low, 3), round(high, 3)) == (Decimal("-0.272"), Decimal("2.272"))


def test_small_groups_and_equal_values_are_no_riddle():
    few = gift_effects.Group(29, Fraction(2), Fraction(1))
    many = gift_effects.Group(1000, Fraction(1), Fraction(1))
    assert gift_effects.interval(few, many) is None
    same = gift_effects.Group(30, Fraction(1), Fraction(0))
    assert gift_effects.interval(same, same) == (0, 0)
    assert gift_effects.Effect(Metric.CASH, same, same, (Decimal(0), Decimal(0))).verdict is Verdict.CHANCE
    assert gift_effects.group([]).size == 0


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [("0.1", "2", "more"), ("-2", "-0.1", "less"), ("-0.1", "2", "chance"), ("0", "2", "chance")],
)
def test_what_is_said_follows_from_the_interval(low, high, verdict):
    one = gift_effects.Group(30, Fraction(1), Fraction(1))
    assert gift_effects.Effect(Metric.ORDERS, one, one, (Decimal(low), Decimal(high))).verdict == verdict


def assign(campaign: GiftCampaign, member: Member, arm: str, *, window=END) -> None:
    GiftAssignment.objects.create(
        campaign=campaign, member=member, occasion="once", arm=arm, at=NOON, measured_until=window
    )


def buys(member: Member, cash: int, at, *, refunded: int = 0, status: str = "completed") -> None:
    code = f"o-{Order.objects.count()}"
    order = Order.objects.create(code=code, member=member, status=status, completed_at=at, cash=cash)
    OrderLine.objects.create(order=order, number="1", cash=cash, refunded_cash=refunded)


@pytest.mark.django_db
def test_only_what_was_done_within_the_window_counts_and_refunds_are_taken_off():
    campaign = started()
    alice, bob = people("alice", "bob")
    assign(campaign, alice, "treated")
    assign(campaign, bob, "held_out")
    buys(alice, 100_00, NOON + DAY, refunded=30_00)
    buys(alice, 50_00, END)
    buys(alice, 999_00, NOON)  # before the gift
    buys(alice, 999_00, END + DAY)
    buys(alice, 999_00, NOON + DAY, status="cancelled")
    buys(bob, 20_00, NOON + DAY)
    cast.grant(alice.wallet.account, 100, expires_at=END)
    with cast.ledger.open_book([alice.wallet.account_id], NOON + DAY) as book:
        _seq, taken = book.take(alice.wallet.account_id, 60, kind="redeem", contra="redeemed", reference="test")
        book.put_back(alice.wallet.account_id, taken[:1], kind="restore", contra="redeemed", reference="test")
        book.take(alice.wallet.account_id, 25, kind="redeem", contra="redeemed", reference="test")
    told = {effect.metric: effect for effect in gift_effects.measure(campaign, END)}
    means = {metric: (effect.treated.mean, effect.held_out.mean) for metric, effect in told.items()}
    assert means == {"orders": (2, 1), "cash": (120_00, 20_00), "points": (25, 0)}
    assert {effect.verdict for effect in told.values()} == {Verdict.TOO_FEW}


@pytest.mark.django_db
def test_whose_window_is_open_waits():
    campaign = started()
    alice, bob = people("alice", "bob")
    assign(campaign, alice, "treated")
    assign(campaign, bob, "treated", window=END + DAY)
    effects = gift_effects.measure(campaign, END)
    assert [effect.treated.size for effect in effects] == [1, 1, 1]
    assert gift_effects.waiting(campaign, END) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("members", [4, 80])
def test_an_effect_takes_three_queries_whatever_the_size(members, django_assert_num_queries):
    campaign = started()
    for number, member in enumerate(people(*[f"m-{n}" for n in range(members)])):
        assign(campaign, member, "treated" if number % 2 else "held_out")
        buys(member, number * 100, NOON + DAY)
    with django_assert_num_queries(3):
        effects = gift_effects.measure(campaign, END)
    assert effects[0].treated.size == effects[0].held_out.size == members // 2
