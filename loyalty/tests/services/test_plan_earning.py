"""What PLUS earns: ten times up to its caps, the ordinary rate beyond, by the plan at the time of the order (C19, C20).

E31: base → multiplier → cap → floor once. E32: beyond a cap the ordinary rate. E54: a refund after the plan has ended.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.services import outbox
from loyalty.models import Shortfall
from loyalty.services.earning import evaluate
from loyalty.tests.proven import assert_proven
from loyalty.tests.services.test_earning import occasion, rule
from loyalty.tests.stage import DAY, NOON, a_rule, balance, give, line, order, send
from members.models import Member, Plan, Subscription
from members.services import members

pytestmark = pytest.mark.django_db
PLUS = [("member.plan", "is", "plus")]


@pytest.fixture
def alice():
    """Alice has PLUS for ten days."""
    give(1)
    alice = Member.objects.get()
    plan = Plan.objects.create(code="plus", name="PLUS")
    Subscription.objects.create(member=alice, plan=plan, starts_at=NOON - DAY, ends_at=NOON + 9 * DAY)
    return alice


def tenfold(**caps):
    a_rule("base")
    a_rule("plus", formula="multiplier", multiplier_percent=1000, priority=-10, conditions=PLUS, **caps)


def earned(cash, at=NOON, code="o-1", **data):
    return send("order.completed", at=at, **order(code, line(1, cash), **data))["effects"]["points"]["earned"]


def test_the_caps_of_c19_cut_the_nine_parts_and_never_the_first(alice):
    """4,000 a month, 12,000 a quarter, 50,000 a year: of 800.00 a month, 800 + 4,000 of the 7,200 that nine parts are."""
    Subscription.objects.update(ends_at=NOON + 400 * DAY)
    tenfold(cap_month=4_000, cap_quarter=12_000, cap_year=50_000)
    # March to February: each month is cut; a quarter allows three of them just so, a year all twelve.
    months = [earned(800_00, NOON + 31 * n * DAY, f"o-{n}") for n in range(4)]
    assert months == [800 + 4_000] * 4
    assert set(Shortfall.objects.values_list("reason", flat=True)) == {"cap_month"}
    assert_proven()


def test_the_line_that_straddles_a_cap_is_split_there(alice):
    tenfold(cap_month=4_000)
    # 9 parts of 444.00 are 3,996: four are left for the next 100.00, whose rest earns the ordinary rate.
    assert earned(444_00) == 4_440
    assert earned(100_00, code="o-2") == 100 + 4
    assert earned(100_00, code="o-3") == 100


def test_multiplier_campaign_and_cap_stack_in_the_declared_order():
    """PLUS tenfold and a campaign's double on 155.50, at most 1,000 an order: (1 + 9 + 1) × 155.5, floored once a rule."""
    rules = [
        rule(),
        rule(formula="multiplier", multiplier_percent=1000, cap_order=1_000),
        rule(formula="multiplier", multiplier_percent=200),
    ]
    found = evaluate(rules, occasion(155_50))
    assert [award.points for award in found.awards] == [155, 1_000, 156]
    assert sum(missed.computed - missed.granted for missed in found.missed) == 1_400 - 1_000


@given(cash=st.integers(0, 10**7), cap=st.integers(0, 10**5))
def test_capped_or_not_nobody_earns_less_than_without_the_plan_nor_more_than_ten_times(cash, cap):
    without = evaluate([rule()], occasion(cash)).points
    with_plan = evaluate(
        [rule(), rule(formula="multiplier", multiplier_percent=1000, cap_order=cap)], occasion(cash)
    ).points
    assert without <= with_plan <= min(10 * cash // 100, without + cap)


def test_an_order_paid_with_the_plan_earns_with_it_though_it_arrives_after_the_end(alice):
    tenfold()
    late = NOON + 12 * DAY
    assert earned(100_00, late, paid_at=(NOON + 8 * DAY).isoformat()) == 1_000
    assert earned(100_00, late, "o-2", paid_at=(NOON + 9 * DAY).isoformat()) == 100


def test_an_order_paid_with_the_plan_earns_with_it_though_its_buyer_was_merged_since(alice):
    """domain.md E54, E58: and what the other paid then, without the plan, does not."""
    tenfold()
    for name, code in (("alice", "o-1"), ("bob", "o-2")):
        send("order.paid", name, at=NOON, **order(code, line(1, 100_00)))
    members.merge("alice", "bob", NOON + DAY)
    while outbox.dispatch(NOON + DAY, 100) or outbox.deliver(NOON + DAY, 100):
        pass
    arrived = [
        send("order.completed", "bob", at=NOON + 2 * DAY, **order(code, line(1, 100_00), paid_at=NOON.isoformat()))
        for code in ("o-1", "o-2")
    ]
    assert [one["effects"]["points"]["earned"] for one in arrived] == [1_000, 100]


def test_an_order_paid_before_the_plan_earns_without_it(alice):
    tenfold()
    assert earned(100_00, NOON, paid_at=(NOON - 2 * DAY).isoformat()) == 100


def test_a_refund_after_the_plan_has_ended_takes_back_what_its_multiplier_gave(alice):
    tenfold()
    assert earned(100_00) == 1_000
    after = NOON + 20 * DAY
    back = {"order": "o-1", "reason": "defect"}
    half = send("order.refunded", at=after, refund="r-1", cash=50_00, lines=[{"line": "1", "cash": 50_00}], **back)
    assert half["effects"]["points"]["clawed_back"] == 500
    rest = send("order.refunded", at=after, refund="r-2", cash=50_00, lines=[{"line": "1", "cash": 50_00}], **back)
    assert rest["effects"]["points"]["clawed_back"] == 500
    assert balance(at=after).available == 1
    assert_proven()
